// Loaded by the page of a run.
import { need } from "./lib/dom";
import { keepClocksGoing } from "./log/steps";
import { Tools } from "./log/tools";
import { Viewer } from "./log/viewer";

const viewer = new Viewer(need(document, "[data-log]"));
new Tools(viewer);
keepClocksGoing();
viewer.start();
