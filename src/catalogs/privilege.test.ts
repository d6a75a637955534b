import { describe, expect, it } from 'vitest';
import { privilegeOfName, privilegeOfPath } from './privilege.js';

const ofPath = (line: string) => {
  const [method, path] = line.split(' ') as [string, string];
  return privilegeOfPath(method, path.split('/').slice(1)).privilege;
};

describe('what an operation that no catalog knows may do', () => {
  it.each([
    ['GET /things', 1],
    ['GET /users/42', 1],
    ['POST /users/search', 1],
    ['POST /index/_count', 1],
    ['GET /audit/export', 2],
    ['GET /users/42/api-keys', 3],
    ['GET /vault/secrets/{id}', 3],
    ['POST /search/users', 1],
    ['GET /vault/credentials/{id}/secret/v2', 3],
    ['POST /things', 2],
    ['PUT /users/{id}/notes/{id}', 3],
    ['POST /oauth2/token', 2],
    ['POST /admin/things', 3],
    ['DELETE /things/1', 3],
    ['POST /users', 3],
    ['PUT /users/{id}/roles', 3],
    ['PUT /integrations/{id}/settings', 3],
    ['POST /devices/{id}/lock', 3],
    ['POST /users/{id}/api-keys', 4],
    ['POST /users/{id}/resetMfa', 4],
    ['PUT /users/{id}/password', 4],
    ['DELETE /users/{id}/factors/{id}', 4],
    ['POST /admins', 4],
    ['POST /devices/{id}/commands', 4],
    ['POST /devices/{id}/wipe', 4],
    ['PUT /sso/saml', 4],
    ['POST /tokens', 4],
    ['DELETE /audit-log', 4],
    ['PATCH /activedirectories/{id}', 4],
    ['PUT /authorizationServers/{id}', 4],
  ])('%s: %i', (line, privilege) => {
    expect(ofPath(line)).toBe(privilege);
  });

  it.each([
    ['ecs.DescribeTasks', 1],
    ['glue.GetTables', 1],
    ['user_login_attempt', 1],
    ['user_password_expired', 1],
    ['mdm_command_result', 1],
    ['password_manager.passwordmanager_item_move', 2],
    ['ldap.ldap_bind', 2],
    ['passwordmanager_item_reveal', 3],
    ['passwordmanager_folder_member_add', 3],
    ['passwordmanager_items_export', 3],
    ['integration_activate', 3],
    ['ecs.RunTask', 2],
    ['update.Gemfile.lock', 2],
    ['update.spec/integration', 2],
    ['create.engine/app', 2],
    ['sqs.DeleteQueue', 3],
    ['user_update', 3],
    ['glue.CreateAccessKey', 4],
    ['user.mfa.factor.deactivate', 4],
    ['admin_create', 4],
    ['command_run', 4],
    ['system.api_token.create', 4],
    ['user_password_set', 4],
  ])('%s, by its name: %i', (name, privilege) => {
    expect(privilegeOfName(name).privilege).toBe(privilege);
  });

  it('is never public', () => {
    expect(ofPath('OPTIONS /')).toBe(1);
  });

  it('is decided quickly for any text', () => {
    const startedMs = performance.now();
    for (const text of [
      'oauth-'.repeat(5_000),
      'a-'.repeat(9_000),
      'A'.repeat(20_000),
      'token/'.repeat(3_000),
    ]) {
      privilegeOfPath('POST', text.split('/'));
      privilegeOfName(text);
    }
    expect(performance.now() - startedMs).toBeLessThan(100);
  });
});
