// All browser tests, in one process with one browser. Those that kill the server come last.
import "./session.test";
import "./security.test";
import "./pages.test";
