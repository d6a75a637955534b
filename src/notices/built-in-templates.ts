import type { NoticeKind } from './records.js';

/** What is sent unless the operator has templates of his own. Plain text; the sections stand in a fixed order. */
export const BUILT_IN: Record<NoticeKind, string> = {
  touched: `Subject: Security notice: your API keys were misused ({{incident}})

Security notice for {{tenant}}
Incident {{incident}}, notice {{notice}}, {{issued}}

1. WHAT HAPPENED
{{summary}}

2. WHICH KEYS
{{keys}}

3. WHEN
{{when}}

4. WHAT WAS DONE WITH THEM
{{actions}}

5. WHAT WE DID
{{measures}}

6. WHAT TO DO NOW
{{advice}}

7. HOW TO CHECK THIS NOTICE
{{check}}
`,
  precaution: `Subject: Security notice: your API keys were reset as a precaution ({{incident}})

Security notice for {{tenant}}
Incident {{incident}}, notice {{notice}}, {{issued}}

1. WHAT HAPPENED
{{summary}}

2. WHY WE BELIEVE THAT YOUR KEYS WERE NOT TOUCHED
{{grounds}}

3. WHICH KEYS WERE RESET
{{keys}}

4. WHAT WE DID
{{measures}}

5. WHAT TO DO NOW
{{advice}}

6. HOW TO CHECK THIS NOTICE
{{check}}
`,
};
