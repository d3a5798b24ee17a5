// Runs before the first paint, from <head>: puts the chosen theme on <html>, so that no page flashes.
import { applyTheme, storedTheme } from "./lib/theme";

applyTheme(storedTheme());
