import { closeSync, openSync, writeSync } from 'node:fs';

const LINES_AT_ONCE = 2000;
const KEYS = 400;
const SERVICES = ['s3', 'iam', 'ec2', 'sts', 'lambda'];
const EVENTS = [
  'GetObject',
  'ListUsers',
  'DescribeInstances',
  'GetCallerIdentity',
  'Invoke',
  'PutObject',
  'CreateTags',
];

/** Made-up logs: what a line looks like by its number, its time and its key. */
export const LOGS = {
  generic: (n, timeMs, key) => ({
    time: new Date(timeMs).toISOString(),
    key: `AKIA${key}EXAMPLE`,
    tenant: `org-${key % 40}`,
    ip: `10.0.${key % 250}.${1 + (n % 3)}`,
    userAgent: `client-${key % 20}/1.2.3 (linux; x64)`,
    method: 'GET',
    path: `/api/v2/resource${(key * 3 + (n % 5)) % 60}/${(n * 7919) % 100000}/items`,
    status: 200,
    bytesOut: n % 9000,
    latencyMs: n % 300,
  }),
  cloudtrail: (n, timeMs, key) => {
    const account = String(100000000000 + (key % 40));
    const bucket = `arn:aws:s3:::bucket-${key % 30}`;
    return {
      eventVersion: '1.08',
      userIdentity: {
        type: 'IAMUser',
        principalId: `AIDA${key}EXAMPLE`,
        arn: `arn:aws:iam::${account}:user/user-${key}`,
        accountId: account,
        accessKeyId: `AKIA${key}EXAMPLE`,
        userName: `user-${key}`,
      },
      eventTime: `${new Date(timeMs).toISOString().slice(0, 19)}Z`,
      eventSource: `${SERVICES[key % SERVICES.length]}.amazonaws.com`,
      eventName: EVENTS[(key + (n % 3)) % EVENTS.length],
      awsRegion: 'us-east-1',
      sourceIPAddress: `10.0.${key % 250}.${1 + (n % 3)}`,
      userAgent: `client-${key % 20}/1.2.3 (linux; x64)`,
      requestParameters: { bucketName: `bucket-${key % 30}`, key: `logs/2026/${n % 100000}.json` },
      responseElements: null,
      additionalEventData: {
        SignatureVersion: 'SigV4',
        bytesTransferredIn: 0,
        bytesTransferredOut: n % 9000,
      },
      requestID: String(Math.imul(n, 2654435761) >>> 0).padStart(16, '0'),
      eventID: `${String(n).padStart(8, '0')}-1234-4234-8234-123456789abc`,
      readOnly: true,
      resources: [
        { type: 'AWS::S3::Object', ARN: `${bucket}/logs/2026/${n % 100000}.json` },
        { accountId: account, type: 'AWS::S3::Bucket', ARN: bucket },
      ],
      eventType: 'AwsApiCall',
      managementEvent: false,
      recipientAccountId: account,
      eventCategory: 'Data',
    };
  },
};

/** Writes lines until there are so many bytes; gives their number. */
export function writeLog(to, kind, bytes) {
  const out = openSync(to, 'w');
  let written = 0;
  let n = 0;
  let timeMs = Date.UTC(2026, 0, 1);
  while (written < bytes) {
    let text = '';
    for (let i = 0; i < LINES_AT_ONCE; i++, n++) {
      timeMs += 700;
      const key = (Math.imul(n, 2654435761) >>> 8) % KEYS;
      text += `${JSON.stringify(LOGS[kind](n, timeMs, key))}\n`;
    }
    writeSync(out, text);
    written += text.length;
  }
  closeSync(out);
  return n;
}
