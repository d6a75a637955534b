// How an operation's privilege is derived where its source has none: the first rule that fits, by method
// (empty: any) and path. `R` stands for a repository's path, `O` for an organisation's or enterprise's, `ID`
// for one parameter. What no rule names goes by src/catalogs/privilege.ts.

const expand = (source) =>
  new RegExp(
    `^${source
      .replace(/\bR\b/g, '/repos/ID/ID')
      .replace(/\bO\b/g, '/(?:orgs|organizations|enterprises)/ID')
      .replace(/\bID\b/g, '\\{[^}]+\\}')}`,
    'i',
  );

function rules(lines) {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [methods, path, privilege, ...reason] = line.trim().split(/\s+/);
      return {
        methods: methods === '*' ? [] : methods.split(','),
        path: expand(path),
        privilege: Number(privilege),
        reason: reason.join(' '),
      };
    });
}

const WRITE = 'POST,PUT,PATCH';
const CHANGE = 'POST,PUT,PATCH,DELETE';

export const github = rules(`
  GET /app-manifests/ID/conversions 4 mints the credentials of an app
  POST /app-manifests 4 mints the credentials of an app
  POST /app/installations/ID/access_tokens 4 mints an installation token
  ${CHANGE} /app/installations 3 suspends or removes an installation of an app
  ${CHANGE} /app/hook 4 redirects what the app is told
  POST /applications/ID/token$ 1 checks a token (read via POST)
  ${CHANGE} /applications/ID 4 mints, resets or revokes tokens
  POST /credentials/revoke 3 revokes leaked tokens
  POST /graphql 4 any read or change, named in the body: the worst of them
  GET O/audit-log 2 reads the audit log
  GET O/(?:members|outside_collaborators|teams|repos|installations|credential-authorizations|personal-access-tokens) 2 enumerates people, repositories or apps
  GET /user/(?:repos|orgs|teams|keys|emails|installations) 2 enumerates what the key can reach
  GET (?:R|O|/user).*/(?:zipball|tarball|archive) 2 downloads code or data in bulk
  GET R/(?:zipball|tarball|git/trees|actions/artifacts/ID/ID|actions/runs/ID/logs|actions/jobs/ID/logs) 2 downloads code, artifacts or logs in bulk
  GET (?:R|O)/(?:secret-scanning|code-scanning|dependabot)/alerts 2 reads where the code is vulnerable or leaks secrets
  GET .*/(?:secrets|organization-secrets)(?:/|$) 1 reads names of secrets, not their values
  DELETE /installation/token 3 revokes the caller's own token
  ${CHANGE} .*/cache 2 changes caches of builds
  ${CHANGE} .*/(?:attestations|artifacts|packages/.*restore|copilot-spaces|projectsV2|issue-fields|issue-types|dependency-graph|campaigns|security-advisories|billing|copilot/billing|interaction-limits|email/visibility) 2 changes records, plans or settings without access
  POST R/actions/runs/ID/(?:cancel|force-cancel) 2 stops a run
  POST (?:/user/repos|R/generate) 3 creates a repository
  ${CHANGE} O/(?:settings/network|properties|copilot|codespaces) 3 changes settings of the organisation
  ${CHANGE} /user/(?:migrations|packages|codespaces/ID|repository_invitations|memberships) 3 changes the user's data or memberships
  PUT,PATCH,POST .*/(?:secrets|variables)(?:/|$) 4 writes a secret or variable that builds use
  DELETE .*/(?:secrets|variables)(?:/|$) 3 removes a secret or variable
  ${WRITE} O/private-registries 4 writes credentials of a registry
  POST .*/runners/(?:registration-token|generate-jitconfig|remove-token) 4 mints a token that brings in a runner
  ${CHANGE} .*/(?:runner-groups|runners|hosted-runners|self-hosted-runners) 3 changes where builds run
  ${CHANGE} .*/actions/oidc 4 changes which builds other clouds trust
  ${CHANGE} .*/actions/permissions 4 changes what builds may run and write
  POST R/(?:actions/workflows/ID/dispatches|dispatches) 4 runs a workflow
  POST R/actions/(?:runs/ID|jobs/ID)/(?:rerun|rerun-failed-jobs|approve|pending_deployments|deployment_protection_rule) 3 runs or approves a workflow
  DELETE R/actions/runs 4 removes the record of a run
  PUT R/actions/workflows 3 switches a workflow on or off
  ${WRITE} R/keys 4 adds a deploy key
  POST /user/(?:keys|gpg_keys|ssh_signing_keys) 4 adds a key of the user: login or signature
  DELETE (?:/user/(?:keys|gpg_keys|ssh_signing_keys)|R/keys) 3 removes a key
  POST,DELETE /user/emails 4 changes the addresses by which the account is recovered
  PATCH /user$ 2 changes the profile
  ${WRITE} (?:R|O)/hooks 4 sends events and code to another place
  DELETE (?:R|O)/hooks 3 removes a webhook
  PUT O/memberships 3 invites or changes a member
  POST O/invitations 4 invites to the organisation, as owner where the body says so
  ${CHANGE} O/(?:organization-roles|security-managers) 4 grants or takes an organisation role
  ${CHANGE} O/(?:members|memberships|outside_collaborators|invitations|public_members|blocks) 3 changes who belongs to the organisation
  ${CHANGE} O/teams 3 changes a team, its people or its repositories
  ${CHANGE} /teams 3 changes a team, its people or its repositories
  ${CHANGE} O/personal-access-token 4 approves or revokes personal access tokens
  ${CHANGE} O/(?:code-security|dependabot/repository-access|copilot/content_exclusion|settings/immutable-releases|secret-scanning) 3 changes security settings
  ${CHANGE} O/rulesets 4 changes or removes branch rules of all repositories
  POST O/migrations 4 exports repositories
  POST /user/migrations 4 exports repositories
  PATCH O$ 4 changes the organisation: default permission, two-factor policy, who may create
  DELETE O$ 4 deletes the organisation
  POST O/repos 3 creates a repository
  POST O/ID/ID$ 3 switches a security product on or off everywhere
  PUT R/collaborators 3 gives an account access to a repository
  ${CHANGE} R/(?:collaborators|invitations) 3 changes who has access to a repository
  DELETE R/branches/ID/protection 4 takes branch protection off
  DELETE R/rulesets 4 takes branch rules off
  ${CHANGE} R/(?:branches/ID/protection|rulesets) 3 changes branch protection
  PATCH R$ 2 changes a repository
  DELETE R$ 4 deletes a repository
  POST R/transfer 4 moves a repository to another owner
  PUT,DELETE R/contents/\\.github/workflows 4 changes what builds run
  PUT,DELETE R/contents 3 commits a file
  ${CHANGE} R/(?:git/refs|merges|merge-upstream|branches) 3 changes a branch
  PUT R/pulls/ID/merge 3 merges code
  ${CHANGE} R/(?:releases/assets|releases) 3 changes what is released
  ${CHANGE} R/environments 3 changes how a deployment is protected
  ${CHANGE} R/(?:code-scanning|secret-scanning|dependabot|vulnerability-alerts|automated-security-fixes|private-vulnerability-reporting|immutable-releases|code-quality) 3 dismisses findings or changes security settings
  ${CHANGE} R/(?:pages|autolinks|properties|import) 3 changes what a repository serves or is
  DELETE .*/packages 3 deletes a package
  ${CHANGE} /user/installations 3 changes which repositories an app reaches
  POST .*/codespaces 3 starts a machine with the repository and its secrets
  POST /agents 3 starts an agent on a repository
  POST /markdown 1 renders text (read via POST)
  POST .*/attestations/bulk-list 1 reads attestations (read via POST)
  ${CHANGE} (?:R/(?:issues|pulls|labels|milestones|comments|commits|statuses|check-|deployments|notifications|topics|forks|stacks|subscription|interaction-limits|releases/generate-notes|git/)|/gists|/notifications|/user/(?:starred|following|blocks|social_accounts)) 2 changes issues, pull requests, commits not yet on a branch or social data
`);

export const okta = rules(`
  GET,POST,OPTIONS .*/\\.well-known 0 public metadata
  OPTIONS .* 1 asks what browsers may send
  GET,POST /oauth2(?:/ID)?/v1/(?:authorize|device/authorize|bc/authorize|challenge|oob-authenticate|primary-authenticate|par|logout) 2 signs in or out
  POST /oauth2(?:/ID)?/v1/token 2 signs in: exchanges a grant for a token
  POST /oauth2(?:/ID)?/v1/introspect 1 checks a token (read via POST)
  POST /oauth2(?:/ID)?/v1/revoke 2 revokes the caller's own token
  POST /oauth2/v1/global-token-revocation 3 signs a user out everywhere
  POST .*/oauth2/v1/clients/ID/roles 4 assigns an admin role to a client
  ${CHANGE} /oauth2/v1/clients 4 mints or changes an OAuth client
  GET /api/v1/(?:logs) 2 reads the audit log
  GET /api/v1/(?:users|groups|apps)$ 2 enumerates users, groups or apps
  GET .*/secrets 4 reads client secrets
  GET .*/(?:api-tokens|tokens)(?:/|$) 2 reads which tokens exist
  PUT,DELETE /api/v1/users/ID/linkedObjects 3 changes who is whose manager
  PUT /api/v1/users/ID/(?:classification|risk) 3 changes how a user is judged
  POST /api/v1/users/ID/roles 4 assigns an admin role
  ${CHANGE} /api/v1/(?:users|groups)/ID/roles 4 changes admin roles or their targets
  ${CHANGE} /api/v1/(?:iam|roles) 4 changes what administrators may do
  POST /api/v1/users/ID/lifecycle/reset_factors 4 clears all factors
  POST /api/v1/users/ID/factors/ID/(?:resend|verify) 2 answers a challenge of a factor
  DELETE /api/v1/users/ID/(?:factors|authenticator-enrollments) 4 removes one factor
  ${WRITE} /api/v1/users/ID/(?:factors|authenticator-enrollments) 4 enrols a factor
  POST /api/v1/users/ID/lifecycle/(?:reset_password|expire_password) 4 returns or mails a reset token
  POST /api/v1/users/ID/credentials 4 changes or returns credentials
  POST /api/v1/users/ID/lifecycle/deactivate 3 locks a user out
  ${CHANGE} /api/v1/users/ID/(?:lifecycle|sessions|clients|grants) 3 changes a user's state, sessions or tokens
  POST,PUT /api/v1/users/ID$ 2 changes a user
  POST /api/v1/users$ 3 creates a user
  DELETE /api/v1/users/ID$ 3 deactivates or deletes a user
  ${CHANGE} /api/v1/users/ID/subscriptions 2 changes notifications
  ${CHANGE} /api/v1/idps 4 changes identity providers: cross-tenant impersonation
  ${CHANGE} /api/v1/apps/ID/(?:users|groups)(?:/ID)?$ 3 gives or takes access to an app
  ${CHANGE} /api/v1/apps/ID/(?:credentials|interclient) 4 new signing key, secret or trusted client of an app
  ${CHANGE} /api/v1/apps/ID/(?:tokens|grants|logo|group-push|features) 3 changes what an app may reach
  ${CHANGE} /api/v1/apps 4 SSO app create or change
  ${CHANGE} /api/v1/(?:policies|authorizationServers|zones|trustedOrigins|authenticators|behaviors|device-assurances|threats|attack-protection|bot-protection|sessions/policy) 4 sign-on policy, authenticator or network zone change
  ${CHANGE} /attack-protection 4 weakens lock-out
  ${CHANGE} /api/v1/api-tokens 3 changes or revokes API tokens
  ${CHANGE} /api/v1/(?:logStreams|ssf/stream|security-events-providers) 4 stops or redirects log export
  ${CHANGE} /api/v1/(?:eventHooks|inlineHooks|hook-keys) 4 sends sign-in data to another place or lets it decide
  ${CHANGE} /api/v1/(?:domains|email-domains|email-servers|telephony-providers|brands/ID/pages/sign-in|brands/ID/well-known) 4 changes where people sign in or get their codes
  ${CHANGE} /api/v1/groups 3 changes groups, members or rules
  POST /api/v1/directories/ID/groups/ID/query 1 reads a directory group (read via POST)
  ${CHANGE} /api/v1/(?:directories|identity-sources|mappings|realms|realm-assignments|agentPools) 3 changes a directory or where users belong
  ${CHANGE} /api/v1/(?:org/privacy/oktaSupport) 4 lets support in
  ${CHANGE} /api/v1/org/(?:orgSettings|settings|factors) 4 changes administrator settings or hardware tokens
  ${CHANGE} /api/v1/dr 4 fails the organisation over
  ${CHANGE} /integrations 4 mints credentials of an integration
  ${CHANGE} /privileged-access 4 changes privileged service accounts
  ${CHANGE} /webauthn-registration 4 enrols or removes a security key for somebody
  POST /security/security-events 2 reports a risk signal
  ${CHANGE} /api/v1/(?:devices|sessions|features|first-party-app-settings|org|meta|device-|push-providers|principal-rate-limits|rate-limit-settings|captchas) 3 changes devices, sessions or settings
  ${CHANGE} /api/v1/(?:brands|templates|customizations) 2 changes looks and texts
`);

const REALM = '/admin/realms/ID';
export const keycloak = rules(`
  GET ${REALM}/(?:users|clients|groups)$ 2 enumerates users, clients or groups
  GET ${REALM}/(?:admin-events|events)$ 2 reads the audit log
  GET ${REALM}/clients/ID/(?:client-secret|installation|certificates/ID/download) 4 reads a client secret
  GET ${REALM}/components 2 reads key providers and user federation
  POST ${REALM}/clients/ID/certificates/ID/(?:download|generate-and-download) 4 exports a client's private key
  PUT ${REALM}/users/ID/reset-password 4 sets a password
  PUT ${REALM}/users/ID/(?:remove-totp|disable-credential-types) 4 removes a second factor
  DELETE ${REALM}/users/ID/credentials 4 removes an OTP or WebAuthn credential
  POST ${REALM}/users/ID/impersonation 4 session as that user
  ${CHANGE} ${REALM}/users/ID/role-mappings/clients 4 grants client roles, realm-management among them
  ${CHANGE} ${REALM}/(?:users|groups)/ID/role-mappings 4 grants roles
  ${CHANGE} ${REALM}/users/ID/federated-identity 4 lets another provider's account sign in as this user
  PUT ${REALM}/users/ID/(?:execute-actions-email|reset-password-email) 3 mails a link that changes credentials
  ${CHANGE} ${REALM}/users/ID/(?:vc|credentials) 3 changes credentials' order, names or issues new ones
  ${CHANGE} ${REALM}/users/ID/(?:groups|logout|consents|send-verify-email) 3 changes a user's groups or sessions
  POST ${REALM}/users$ 3 creates a user
  PUT ${REALM}/users/ID$ 2 changes a user
  DELETE ${REALM}/users/ID$ 3 deletes a user
  PUT ${REALM}/users/profile 3 changes which attributes users have
  PUT ${REALM}/users-management-permissions 4 changes who may manage users
  ${CHANGE} ${REALM}/identity-provider 4 adds or changes federation
  ${CHANGE} ${REALM}/organizations/ID/identity-providers 4 adds or changes federation
  ${CHANGE} ${REALM}/organizations 3 changes an organisation or its members
  ${CHANGE} ${REALM}/clients 4 adds or changes a client (redirect URIs, service account, roles)
  ${CHANGE} ${REALM}/clients-initial-access 4 mints a token that registers clients
  ${CHANGE} ${REALM}/(?:client-scopes|client-templates|default-default-client-scopes|default-optional-client-scopes|client-policies) 4 changes what tokens say
  ${CHANGE} ${REALM}/(?:components|user-storage) 4 adds a key provider or user federation (LDAP)
  ${CHANGE} ${REALM}/authentication 4 authentication flow change
  ${CHANGE} ${REALM}/(?:roles|roles-by-id) 4 changes what a role includes
  ${CHANGE} ${REALM}/(?:events|admin-events) 4 audit tampering
  DELETE ${REALM}/attack-detection 3 forgets failed sign-ins
  POST ${REALM}/partial-export 4 realm export incl. clients
  POST ${REALM}/partialImport 4 imports users, clients and roles
  PUT ${REALM}$ 4 realm settings (brute force, events off, OTP policy)
  DELETE ${REALM}$ 4 deletes a realm
  POST /admin/realms$ 4 creates a realm
  ${CHANGE} ${REALM}/(?:groups|default-groups) 3 changes groups
  ${CHANGE} ${REALM}/workflows 4 changes automation that acts with admin rights
  POST ${REALM}/(?:client-description-converter|ldap-server-capabilities|testLDAPConnection|testSMTPConnection) 2 tests a connection with credentials of the realm
  POST ${REALM}/(?:logout-all|push-revocation) 3 signs everybody out
  POST ${REALM}/clear- 2 clears a cache
  ${CHANGE} ${REALM}/localization 2 changes texts
`);

/** AWS operations go by name: the whole `service.Operation`. */
export const aws = rules(`
  * sts\\.GetCallerIdentity$ 1 the first call of stolen-key tooling
  * sts\\.(?:AssumeRole|GetFederationToken|GetSessionToken) 3 takes on another role or mints a session
  * iam\\.(?:CreateAccessKey|CreateLoginProfile|UpdateLoginProfile|UpdateAccessKey|CreateServiceSpecificCredential|ResetServiceSpecificCredential|UploadSSHPublicKey|UploadSigningCertificate)$ 4 mints or enables credentials
  * iam\\.(?:Attach|Put)(?:User|Role|Group)Policy$ 4 grants permissions
  * iam\\.(?:CreatePolicyVersion|SetDefaultPolicyVersion|UpdateAssumeRolePolicy|AddUserToGroup|AddRoleToInstanceProfile|CreateUser|CreateRole|PutUserPermissionsBoundary|PutRolePermissionsBoundary|Delete(?:User|Role)PermissionsBoundary)$ 4 privilege or persistence
  * iam\\.(?:Create|Update|Delete)(?:SAMLProvider|OpenIDConnectProvider)|iam\\.(?:AddClientID|RemoveClientID|UpdateOpenID) 4 changes who is trusted to sign people in
  * iam\\.(?:DeactivateMFADevice|DeleteVirtualMFADevice|EnableMFADevice|ResyncMFADevice|CreateVirtualMFADevice)$ 4 changes a second factor
  * iam\\.(?:UpdateAccountPasswordPolicy|DeleteAccountPasswordPolicy)$ 4 weakens the password policy
  * iam\\.ChangePassword$ 3 changes the caller's own password
  * iam\\.(?:Tag|Untag|Generate|Simulate) 2 tags or makes reports
  * iam\\.(?:ListUsers|ListRoles|GetAccountAuthorizationDetails|GetCredentialReport|ListAccessKeys)$ 2 enumerates identities
  * iam\\.(?:Get|List) 1 reads identities and permissions
  * iam\\. 3 changes identities or permissions
  * ssm\\.(?:SendCommand|StartSession|ResumeSession|StartAutomationExecution|StartChangeRequestExecution|CreateAssociation|UpdateAssociation$|StartAssociationsOnce|RegisterTaskWithMaintenanceWindow|UpdateMaintenanceWindowTask|CreateActivation) 4 code on instances
  * ssm\\.(?:GetParameters?|GetParametersByPath|GetParameterHistory)$ 4 secret read
  * ssm\\.(?:AddTags|RemoveTags|Label|Unlabel|CancelCommand|CancelMaintenance|Stop|TerminateSession|CreateOps|UpdateOps|DeleteOps|AssociateOps|DisassociateOps) 2 tags, stops or files
  * ssm\\.(?:Get|List|Describe) 1 reads fleet settings
  * ssm\\.(?:PutParameter|DeleteParameters?|ModifyDocumentPermission|CreateDocument|UpdateDocument|PutResourcePolicy|UpdateManagedInstanceRole) 3 changes parameters, documents or what runs
  * ssm\\.(?:Update|Put)(?:InstanceInformation|InstanceAssociationStatus|Inventory|ComplianceItems|AssociationStatus) 2 an agent's report
  * ssm\\. 3 changes how the fleet is managed
  * secretsmanager\\.(?:GetSecretValue|BatchGetSecretValue)$ 4 secret read
  * secretsmanager\\.(?:Describe|List|Get) 1 reads names of secrets, not their values
  * secretsmanager\\.(?:Tag|Untag) 2 tags
  * secretsmanager\\.(?:Cancel|Remove|Restore|Stop|Validate|Put|Update|Rotate|Delete|Create|Replicate) 3 changes a secret or who may read it
  * kms\\.(?:Decrypt|ReEncrypt|GenerateDataKeyPair$)$ 4 secret read
  * kms\\.(?:ScheduleKeyDeletion|DisableKey|PutKeyPolicy|CreateGrant|DeleteImportedKeyMaterial|ImportKeyMaterial|DeleteCustomKeyStore)$ 4 changes who can decrypt, or makes data unreadable
  * kms\\.(?:Encrypt|GenerateDataKey|GenerateDataKeyWithoutPlaintext|GenerateDataKeyPairWithoutPlaintext|GenerateMac|GenerateRandom|Sign|Verify|VerifyMac)$ 2 uses a key
  * kms\\.(?:Get|List|Describe) 1 reads keys
  * kms\\. 3 changes a key
  * cloudtrail\\.(?:StopLogging|DeleteTrail|UpdateTrail|PutEventSelectors|PutInsightSelectors|DeleteEventDataStore|UpdateEventDataStore) 4 audit tampering
  * cloudtrail\\.(?:LookupEvents|StartQuery|GetQueryResults)$ 2 reads the audit log
  * cloudtrail\\.(?:Get|List|Describe|CancelQuery) 1 reads what is recorded
  * cloudtrail\\. 3 changes what is recorded
  * guardduty\\.(?:Tag|Untag|CreateSample|UpdateFindingsFeedback|Unarchive) 2 changes findings
  * guardduty\\.(?:Get|List|Describe) 1 reads findings
  * guardduty\\.(?:Delete|Disable|Disassociate|Stop|UpdateDetector|UpdateOrganization|Archive|CreateFilter|UpdateFilter|CreateIPSet|UpdateIPSet|UpdatePublishing|UpdateMemberDetectors|UpdateMalware) 4 hides or stops findings
  * guardduty\\. 3 changes who watches
  * organizations\\.(?:LeaveOrganization|RemoveAccount|DeleteOrganization$|CloseAccount|MoveAccount|InviteAccount|CreateAccount|CreateGovCloudAccount|RegisterDelegated|DeregisterDelegated|EnableAWSServiceAccess|DisableAWSServiceAccess) 4 moves accounts out of or into control
  * organizations\\.(?:AttachPolicy|DetachPolicy|UpdatePolicy|DeletePolicy|CreatePolicy|DisablePolicyType|EnablePolicyType|PutResourcePolicy|DeleteResourcePolicy)$ 4 changes what whole accounts may do
  * organizations\\.(?:Describe|List) 1 reads the organisation
  * organizations\\. 3 changes the organisation
  * sso\\.GetRoleCredentials$ 4 mints credentials of a role
  * sso\\.(?:Get|List|Describe|Logout) 1 reads or ends the caller's own session
  * sso\\. 4 changes who gets which permissions in which account
  * sso-oidc\\. 2 signs in
  * identitystore\\.(?:Describe|List|Get|Is) 1 reads people and groups
  * identitystore\\.(?:CreateGroupMembership|UpdateUser)$ 4 puts people into groups or changes their login
  * identitystore\\. 3 changes people and groups
  * account\\.(?:Get|List) 1 reads contacts
  * account\\. 4 changes the account's contacts
  * lambda\\.(?:UpdateFunctionCode|CreateFunction|AddPermission|AddLayerVersionPermission|UpdateFunctionConfiguration|CreateFunctionUrlConfig|UpdateFunctionUrlConfig|CreateEventSourceMapping)$ 4 places code or opens it to others
  * lambda\\.(?:Invoke|InvokeAsync)$ 2 runs a function
  * lambda\\.(?:GetFunction|GetLayerVersion)$ 2 downloads code and its environment
  * lambda\\.(?:Get|List) 1 reads functions
  * lambda\\.(?:Tag|Untag) 2 tags
  * lambda\\. 3 changes a function
  * ec2\\.(?:GetPasswordData)$ 4 reads a machine's administrator password
  * ec2\\.(?:ModifySnapshotAttribute|ModifyImageAttribute)$ 4 shares disks with other accounts
  * ec2\\.(?:DeleteFlowLogs)$ 4 audit tampering
  * ec2\\.(?:AuthorizeSecurityGroupIngress|ModifySecurityGroupRules|CreateVpcPeeringConnection|AcceptVpcPeeringConnection|ModifyInstanceMetadataOptions)$ 3 opens the network
  * ec2\\.(?:AssociateIamInstanceProfile|ReplaceIamInstanceProfileAssociation|ModifyInstanceAttribute|SendSSHPublicKey|EnableSerialConsoleAccess|ImportKeyPair|CreateKeyPair|ModifyLaunchTemplate|CreateLaunchTemplateVersion)$ 4 gets into a machine, or gives it a role
  * ec2\\.(?:RunInstances|RequestSpotInstances|RequestSpotFleet|CreateFleet|StartInstances|ExportImage|CreateInstanceExportTask|CopySnapshot|CopyImage|CreateSnapshots?|CreateImage|CreateReplaceRootVolumeTask)$ 3 starts machines or copies disks
  * ec2\\.(?:Terminate|Delete|Deregister|Release|Revoke|Stop|Disassociate|Detach|Disable) 3 deletes or stops
  * ec2\\.GetConsole(?:Output|Screenshot)$ 2 reads a machine's console
  * ec2\\.(?:Describe|Get|List|Search|Export) 1 reads machines and networks
  * ec2\\. 2 changes machines or networks
  * s3\\.(?:PutBucketPolicy|DeleteBucketPolicy|PutBucketAcl|PutObjectAcl|DeletePublicAccessBlock|PutPublicAccessBlock|PutBucketReplication|PutBucketLogging|PutBucketVersioning|PutBucketLifecycle(?:Configuration)?|PutBucketOwnershipControls|PutObjectLockConfiguration|PutBucketNotification(?:Configuration)?|PutAccountPublicAccessBlock)$ 4 opens a bucket, redirects its data or switches its record off
  * s3\\.(?:Delete|Abort) 3 deletes data or settings
  * s3\\.(?:PutObject|CopyObject|UploadPart|CompleteMultipart|CreateMultipart|RestoreObject|WriteGetObject) 2 writes data
  * s3\\.(?:GetObject|SelectObjectContent|Head|List|Get) 1 reads data or settings
  * s3\\. 3 changes a bucket
  * signin\\.(?:ConsoleLogin|CheckMfa|SwitchRole|RenewRole|ExitRole) 2 signs in
  * ec2-instance-connect\\. 4 gets into a machine
  * rolesanywhere\\.(?:Create|Update|Delete|Put|Import|Enable|Disable) 4 changes which certificates get credentials
  * logs\\.(?:DeleteLogGroup|DeleteLogStream|PutRetentionPolicy|DeleteSubscriptionFilter|PutSubscriptionFilter)$ 4 audit tampering
  * route53resolver\\.(?:DeleteResolverQueryLogConfig|DisassociateResolverQueryLogConfig)$ 4 audit tampering
  * securityhub\\.(?:Disable|Delete|BatchUpdate|UpdateFindings) 4 hides or stops findings
  * config\\.(?:StopConfigurationRecorder|DeleteConfigurationRecorder|DeleteDeliveryChannel)$ 4 audit tampering
  * bedrock\\.(?:InvokeModel|Converse) 2 runs a model at the account's cost
  * bedrock\\.(?:PutFoundationModelEntitlement|CreateFoundationModelAgreement|PutUseCaseForModelAccess)$ 3 opens models at the account's cost
  * rds\\.(?:ModifyDBSnapshotAttribute|ModifyDBClusterSnapshotAttribute)$ 4 shares databases with other accounts
  * rds\\.(?:ModifyDBInstance|ModifyDBCluster|RestoreDB) 4 may set the master password or restore a copy
  * rds\\.(?:Describe|List) 1 reads databases
`);

/** AWS operations outside the collected description that attacks and CloudTrail logs are known to name. */
export const AWS_MORE = `
  signin: ConsoleLogin CheckMfa SwitchRole RenewRole ExitRole
  ec2-instance-connect: SendSSHPublicKey SendSerialConsoleSSHPublicKey OpenTunnel
  rolesanywhere: CreateTrustAnchor CreateProfile DeleteTrustAnchor DeleteProfile ListTrustAnchors ListProfiles
  logs: CreateLogGroup DeleteLogGroup DeleteLogStream DescribeLogGroups PutRetentionPolicy PutSubscriptionFilter
  route53resolver: DeleteResolverQueryLogConfig DisassociateResolverQueryLogConfig
  secretsmanager: BatchGetSecretValue
  s3: PutAccountPublicAccessBlock
  ssm: UpdateInstanceInformation UpdateInstanceAssociationStatus ListInstanceAssociations
  securityhub: DisableSecurityHub DeleteMembers DescribeHub
  config: StopConfigurationRecorder DeleteConfigurationRecorder DeleteDeliveryChannel
  bedrock: InvokeModel Converse PutFoundationModelEntitlement CreateFoundationModelAgreement PutUseCaseForModelAccess
  rds: ModifyDBSnapshotAttribute ModifyDBClusterSnapshotAttribute ModifyDBInstance DescribeDBInstances CreateDBSnapshot DeleteDBInstance
`;

/**
 * Operations that do more with certain fields in the body: `METHOD path`, privilege without them, privilege
 * with them, the fields. They stand over what the source and the rules say.
 */
export const escalations = {
  jumpcloud: {
    'PUT /api/systemusers/{id}': [
      2,
      4,
      'password passwordless_sudo sudo mfa enable_user_portal_multifactor ldap_binding_user samba_service_user suspended state email alternateEmail recoveryEmail username ssh_keys public_key allow_public_key externally_managed external_dn delegatedAuthority unix_uid',
    ],
    'POST /api/systemusers': [
      3,
      4,
      'sudo passwordless_sudo ldap_binding_user samba_service_user public_key ssh_keys mfa.exclusion unix_uid',
    ],
    'PUT /api/systems/{id}': [
      2,
      3,
      'allowSshPasswordAuthentication allowSshRootLogin allowMultiFactorAuthentication allowPublicKeyAuthentication agentBoundMessages',
    ],
    'PUT /api/users/{id}': [
      3,
      4,
      'role roleName roleNames apiKeyAllowed enableMultiFactor email suspended password',
    ],
    'PUT /api/applications/{id}': [3, 4, 'config sso ssoUrl databaseAttributes active'],
    'PUT /api/commands/{id}': [
      3,
      4,
      'command launchType schedule scheduleRepeatType trigger listensTo systems files filesS3 shell user sudo commandRunners commandType template',
    ],
    'POST /api/v2/systems/{system_id}/associations': [3, 4, 'attributes.sudo'],
    'POST /api/v2/users/{user_id}/associations': [3, 4, 'attributes.sudo'],
  },
  okta: {
    'POST /api/v1/users/{id}': [
      2,
      4,
      'credentials profile.login profile.email profile.secondEmail profile.mobilePhone realmId type',
    ],
    'PUT /api/v1/users/{id}': [
      2,
      4,
      'credentials profile.login profile.email profile.secondEmail profile.mobilePhone realmId type',
    ],
    'POST /api/v1/users': [3, 4, 'groupIds credentials.provider'],
  },
  keycloak: {
    'PUT /admin/realms/{realm}/users/{id}': [
      2,
      4,
      'credentials requiredActions email emailVerified username enabled totp federatedIdentities federationLink realmRoles clientRoles groups disableableCredentialTypes',
    ],
    'POST /admin/realms/{realm}/users': [3, 4, 'realmRoles clientRoles groups federatedIdentities'],
    'PUT /admin/realms/{realm}/groups/{id}': [2, 4, 'realmRoles clientRoles'],
  },
  github: {
    'PATCH /repos/{owner}/{repo}': [
      2,
      4,
      'visibility private security_and_analysis archived default_branch allow_forking',
    ],
    'PUT /orgs/{org}/memberships/{username}': [3, 4, 'role'],
    'PUT /repos/{owner}/{repo}/collaborators/{username}': [3, 4, 'permission'],
    'PATCH /user': [2, 3, 'email name'],
  },
};
