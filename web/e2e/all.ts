// All browser tests, in one process with one browser. Those that kill the server come last.
import "./session.test";
import "./security.test";
import "./sandbox.test";
import "./deploy.test";
import "./deployment.test";
import "./environment.test";
import "./hostile.test";
import "./keyboard.test";
import "./layout.test";
import "./pages.test";
import "./reconnect.test";
