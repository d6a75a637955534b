export const LOG_FORMATS = [
  'cloudtrail',
  'directory-insights',
  'okta',
  'combined',
  'json-access',
  'generic',
] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];
