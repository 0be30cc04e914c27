// The console in a real browser against the real binary: no error, no request to another host, nothing that the policy had to
// refuse, whatever is done. One server and one browser serve all of it.

import "./hooks.mjs";
import "./whole.mjs";
import "./looking.mjs";
import "./editing.mjs";
import "./forms.mjs";
import "./keys.mjs";
import "./people.mjs";
import "./recovery.mjs";
