import { describe, expect, it } from 'vitest';
import { loadCatalog } from '../src/catalogs/load.js';

const catalog = loadCatalog('aws');

describe('AWS, by the names of CloudTrail', () => {
  it.each([
    ['iam.CreateAccessKey', 4],
    ['iam.CreateLoginProfile', 4],
    ['iam.UpdateLoginProfile', 4],
    ['iam.AttachUserPolicy', 4],
    ['iam.UpdateAssumeRolePolicy', 4],
    ['iam.DeactivateMFADevice', 4],
    ['iam.DeleteUser', 3],
    ['iam.ListUsers', 2],
    ['iam.GetUser', 1],
    ['sts.GetCallerIdentity', 1],
    ['sts.AssumeRole', 3],
    ['ssm.SendCommand', 4],
    ['ssm.StartSession', 4],
    ['ssm.GetParameters', 4],
    ['ssm.DescribeInstanceInformation', 1],
    ['ssm.UpdateInstanceInformation', 2],
    ['secretsmanager.GetSecretValue', 4],
    ['secretsmanager.ListSecrets', 1],
    ['kms.Decrypt', 4],
    ['kms.GenerateDataKey', 2],
    ['cloudtrail.StopLogging', 4],
    ['cloudtrail.DeleteTrail', 4],
    ['cloudtrail.DescribeTrails', 1],
    ['guardduty.DeleteDetector', 4],
    ['organizations.LeaveOrganization', 4],
    ['ec2.ModifySnapshotAttribute', 4],
    ['ec2.GetPasswordData', 4],
    ['ec2.RunInstances', 3],
    ['ec2.DescribeInstances', 1],
    ['ec2.AuthorizeSecurityGroupIngress', 3],
    ['s3.PutBucketPolicy', 4],
    ['s3.GetObject', 1],
    ['s3.PutObject', 2],
    ['sso.CreateAccountAssignment', 4],
    ['signin.ConsoleLogin', 2],
    ['rolesanywhere.CreateTrustAnchor', 4],
    ['ec2-instance-connect.SendSSHPublicKey', 4],
  ] as const)('%s is of privilege %i', (name, privilege) => {
    expect(catalog.byName(name)).toMatchObject({ name, privilege });
  });

  it('knows the versions of the API that Lambda writes into its event names', () => {
    expect(catalog.byName('lambda.UpdateFunctionCode20150331v2')).toMatchObject({
      name: 'lambda.UpdateFunctionCode',
      privilege: 4,
    });
  });
});
