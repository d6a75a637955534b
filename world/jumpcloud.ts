import { type Objects, type Provider, type Service, step, type Workflow } from './provider.js';
import type { Random } from './random.js';

const SERVICES: readonly Service[] = [
  {
    name: 'hr-sync',
    also: ['onboarding'],
    everyMinutes: 30,
    jitter: 0.02,
    workdays: false,
    flows: [
      [
        step('systemusers.list', [1, 4]),
        step('systemusers.get', [0, 3]),
        step('systemusers.update', [0, 2], 0.5),
        step('systemusers.create', [1, 2], 0.03),
        step('v2.usergroups.members.create', [1, 2], 0.05),
        step('systemusers.state.suspend', [1, 1], 0.02),
      ],
    ],
  },
  {
    name: 'siem-export',
    everyMinutes: 10,
    jitter: 0.01,
    workdays: false,
    flows: [[step('insights.directory.v1.events', [1, 3])]],
  },
  {
    name: 'nightly-report',
    everyMinutes: 1440,
    jitter: 0.01,
    workdays: false,
    flows: [
      [
        step('systems.list', [3, 9]),
        step('v2.systeminsights.os_version.get', [2, 5]),
        step('v2.systeminsights.disk_encryption.get', [2, 5]),
        step('systemusers.list', [2, 6]),
        step('v2.policies.list', [1, 2]),
        step('v2.policies.policystatuses.get', [2, 8]),
      ],
    ],
  },
  {
    name: 'terraform',
    everyMinutes: 240,
    jitter: 0.8,
    workdays: true,
    hours: [8, 18],
    flows: [
      [
        step('v2.usergroups.list', [1, 1]),
        step('v2.usergroups.get', [3, 12]),
        step('applications.list', [1, 2]),
        step('applications.get', [2, 6]),
        step('v2.policies.get', [2, 8]),
        step('v2.usergroups.update', [1, 2], 0.25),
        step('v2.policies.update', [1, 1], 0.1),
        step('applications.update', [1, 1], 0.06),
        step('v2.applications.associations.create', [1, 2], 0.1),
      ],
    ],
  },
  {
    name: 'device-patching',
    everyMinutes: 720,
    jitter: 0.05,
    workdays: false,
    hours: [1, 5],
    flows: [
      [
        step('systems.list', [2, 5]),
        step('commands.list', [1, 1]),
        step('runcommand', [1, 3], 0.8),
        step('search.commandresults', [2, 6]),
        step('commands.results.get', [1, 4]),
      ],
    ],
  },
  {
    name: 'ci-pipeline',
    everyMinutes: 90,
    jitter: 0.9,
    workdays: true,
    hours: [7, 20],
    flows: [
      [step('commands.list', [1, 1]), step('commands.update', [1, 1], 0.4), step('commands.get', [1, 3])],
      [step('systems.list', [1, 1]), step('systems.get', [1, 5])],
    ],
  },
  {
    name: 'chatops',
    also: ['incident-night'],
    everyMinutes: 75,
    jitter: 1,
    workdays: true,
    hours: [8, 19],
    flows: [
      [
        step('search.systemusers', [1, 1]),
        step('systemusers.get', [1, 1]),
        step('systemusers.unlock', [1, 1], 0.6),
      ],
      [step('search.systemusers', [1, 1]), step('systemusers.resetmfa', [1, 1], 0.35)],
      [step('systems.get', [1, 2])],
    ],
  },
  {
    name: 'inventory',
    everyMinutes: 360,
    jitter: 0.03,
    workdays: false,
    flows: [
      [
        step('systems.list', [2, 8]),
        step('systems.get', [5, 25]),
        step('v2.systeminsights.apps.get', [2, 6]),
        step('v2.systeminsights.programs.get', [1, 4]),
      ],
    ],
  },
  {
    // An agent with a wide vocabulary: whatever it is asked for, at any hour.
    name: 'assistant',
    also: ['access-review'],
    everyMinutes: 55,
    jitter: 1.6,
    workdays: false,
    hours: [6, 23],
    flows: [
      [step('search.systemusers', [1, 3]), step('systemusers.get', [1, 3])],
      [step('systems.list', [1, 2]), step('systems.get', [1, 6])],
      [step('v2.usergroups.list', [1, 1]), step('v2.usergroups.members.get', [1, 5])],
      [step('applications.list', [1, 1]), step('applications.get', [0, 3])],
      [step('v2.policies.list', [1, 1]), step('v2.policies.policystatuses.get', [0, 3])],
      [step('commands.list', [1, 1]), step('commands.get', [0, 2]), step('search.commandresults', [0, 3])],
      [step('insights.directory.v1.events', [1, 4])],
      [step('systemusers.get', [1, 2]), step('systemusers.update', [1, 1], 0.3)],
      [step('v2.systeminsights.apps.get', [1, 3]), step('v2.systeminsights.os_version.get', [0, 2])],
      [step('organizations.get', [1, 1]), step('users.list', [0, 1])],
      [step('v2.systems.associations.get', [1, 3])],
      [step('systemusers.unlock', [1, 1], 0.3), step('search.systemusers', [1, 1])],
    ],
  },
  {
    name: 'msp-billing',
    everyMinutes: 1440,
    jitter: 0.05,
    workdays: false,
    flows: [
      [
        step('organizations.list', [1, 3]),
        step('organizations.get', [4, 20]),
        step('systemusers.list', [4, 12]),
      ],
    ],
  },
];

/** What administrators do by hand. */
const HAND_FLOWS: readonly Workflow[] = [
  [
    step('search.systemusers', [1, 2]),
    step('systemusers.get', [1, 2]),
    step('systemusers.update', [1, 1], 0.5),
  ],
  [
    step('search.systemusers', [1, 1]),
    step('systemusers.get', [1, 1]),
    step('systemusers.resetmfa', [1, 1], 0.5),
  ],
  [
    step('systemusers.get', [1, 1]),
    step('systemusers.unlock', [1, 1], 0.7),
    step('systemusers.expire', [1, 1], 0.2),
  ],
  [
    step('systems.list', [1, 2]),
    step('systems.get', [1, 4]),
    step('v2.systems.associations.get', [1, 1], 0.4),
  ],
  [
    step('v2.usergroups.list', [1, 1]),
    step('v2.usergroups.get', [1, 2]),
    step('v2.usergroups.members.create', [1, 3], 0.6),
  ],
  [
    step('commands.list', [1, 1]),
    step('commands.get', [1, 2]),
    step('runcommand', [1, 1], 0.3),
    step('commands.results.get', [1, 3]),
  ],
  [
    step('v2.policies.list', [1, 1]),
    step('v2.policies.get', [1, 3]),
    step('v2.policies.update', [1, 1], 0.2),
  ],
  [step('insights.directory.v1.events', [1, 4])],
  [
    step('applications.list', [1, 1]),
    step('applications.get', [1, 2]),
    step('applications.update', [1, 1], 0.1),
  ],
  [step('systemusers.create', [1, 3], 0.7), step('v2.usergroups.members.create', [1, 3])],
  [step('users.list', [1, 1]), step('users.get', [1, 2])],
];

/** What thieves come for. */
const THEFTS: Provider['thefts'] = [
  {
    name: 'take-over',
    flow: [
      step('users.getself.get', [1, 1], 0.6),
      step('organizations.list', [1, 1], 0.8),
      step('users.list', [1, 2]),
      step('systemusers.list', [1, 4]),
      step('systems.list', [1, 3]),
      step('users.create', [1, 1], 0.7),
      step('systemusers.resetmfa', [1, 3]),
      step('systemusers.password', [1, 3]),
      step('systemusers.sshkeys.create', [0, 2]),
    ],
  },
  {
    name: 'command',
    flow: [
      step('systems.list', [1, 4]),
      step('systems.get', [0, 4]),
      step('commands.list', [1, 1]),
      step('commands.create', [1, 2]),
      step('v2.commands.associations.create', [1, 3]),
      step('runcommand', [2, 6]),
      step('commands.results.get', [1, 4]),
      step('commands.delete', [1, 1], 0.7),
    ],
  },
  {
    name: 'sso-swap',
    flow: [
      step('applications.list', [1, 2]),
      step('applications.get', [2, 5]),
      step('v2.applications.users.get', [0, 3]),
      step('applications.update', [1, 3]),
      step('v2.authn.policies.list', [1, 1]),
      step('v2.authn.policies.patch', [1, 2], 0.6),
      step('organizations.update', [1, 1], 0.4),
    ],
  },
  {
    name: 'exfiltration',
    flow: [
      step('systemusers.list', [10, 40]),
      step('systemusers.get', [20, 80]),
      step('v2.usergroups.list', [2, 6]),
      step('systems.list', [5, 20]),
      step('v2.systeminsights.user_ssh_keys.get', [3, 10]),
      step('insights.directory.v1.events', [3, 10]),
    ],
  },
  {
    name: 'persistence',
    flow: [
      step('systemusers.list', [1, 2]),
      step('systemusers.create', [1, 2]),
      step('systemusers.update', [1, 2]),
      step('v2.usergroups.members.create', [1, 2]),
      step('v2.systems.associations.create', [1, 3]),
      step('users.create', [1, 1]),
      step('users.update', [1, 2]),
    ],
  },
];

const HEX_DIGITS = 24;

function newObjects(random: Random, size: number): Objects {
  const ids = (count: number) =>
    Array.from({ length: Math.max(1, Math.round(count)) }, () => random.hex(HEX_DIGITS));
  return {
    systemusers: ids(size),
    systems: ids(size * 1.3),
    usergroups: ids(4 + size / 20),
    commands: ids(5 + size / 50),
    applications: ids(5 + size / 40),
    policies: ids(5 + size / 60),
    users: ids(2 + size / 100),
    organizations: ids(size > 800 ? 20 : 1),
  };
}

/** A cloud directory, written by hand. */
export const JUMPCLOUD: Provider = {
  catalog: 'jumpcloud',
  services: SERVICES,
  serviceShare: 0.62,
  handFlows: HAND_FLOWS,
  pauses: { service: 0.35, person: 14 },
  bursts: {
    'incident-night': [
      step('search.systemusers', [2, 4]),
      step('systemusers.get', [2, 6]),
      step('systemusers.resetmfa', [1, 6]),
      step('systemusers.expire', [1, 4]),
    ],
    'access-review': [
      step('systemusers.list', [10, 20]),
      step('v2.usergroups.list', [2, 4]),
      step('v2.usergroups.members.get', [10, 40]),
    ],
    onboarding: [step('systemusers.create', [8, 30]), step('v2.usergroups.members.create', [8, 30])],
  },
  thefts: THEFTS,
  reconnaissance: [
    step('systemusers.list', [1, 4]),
    step('systems.list', [1, 3], 0.7),
    step('v2.usergroups.list', [1, 1], 0.5),
  ],
  harvest: [step('users.list'), step('systems.list', [1, 1], 0.5)],
  newObjects,
};
