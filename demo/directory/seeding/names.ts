/** Of invented firms and people. */
export const FIRST = [
  'Ada',
  'Boris',
  'Chen',
  'Dina',
  'Emil',
  'Fatma',
  'Goran',
  'Hana',
  'Ivo',
  'Jana',
  'Kofi',
  'Lena',
];
export const LAST = [
  'Adler',
  'Brandt',
  'Costa',
  'Dvorak',
  'Endo',
  'Fischer',
  'Garcia',
  'Haas',
  'Ito',
  'Jansen',
  'Kaya',
  'Lund',
];
export const FIRMS = [
  'Alder',
  'Birch',
  'Cedar',
  'Dune',
  'Ember',
  'Fjord',
  'Grove',
  'Harbor',
  'Iris',
  'Juniper',
  'Kestrel',
  'Larch',
];
export const TEAMS = ['Engineering', 'Finance', 'People', 'Sales', 'Support', 'Security'];
export const OSES = [
  { os: 'Mac OS X', osFamily: 'darwin', version: '13.4', arch: 'arm64' },
  { os: 'Windows', osFamily: 'windows', version: '10', arch: 'x86_64' },
  { os: 'Ubuntu', osFamily: 'linux', version: '22.04', arch: 'x86_64' },
] as const;
