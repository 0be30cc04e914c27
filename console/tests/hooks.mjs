// Starts what the tests look at before the first of them, and ends it after the last.

import { after, before } from "node:test";
import { begin, end } from "./harness.mjs";

before(begin);
after(end);
