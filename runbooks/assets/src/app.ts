// Loaded by every page: fragments (htmx), times, palette, keys, menus, copy buttons.
import "htmx.org";
import {
  setUpCopying,
  setUpDialogs,
  setUpEnterGuards,
  setUpMenus,
  setUpSearchKey,
  setUpThemeSwitch,
  showWhereOneIs,
} from "./lib/controls";
import { listenForKeys, onKey, setUpHelp } from "./lib/keys";
import { setUpPalette } from "./lib/palette";
import { keepTimesFresh } from "./lib/times";

keepTimesFresh();
showWhereOneIs();
listenForKeys();
setUpHelp();
setUpPalette();
setUpThemeSwitch();
setUpMenus();
setUpDialogs();
setUpCopying();
setUpEnterGuards();
onKey("/", setUpSearchKey());
