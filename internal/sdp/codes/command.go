package codes

import "sdp/internal/sdp"

// command are errors about the command line itself.
var command = []Code{
	{"bad-dotenv", in(sdp.Invalid), "A line of a .env file cannot be read; the message names the line, never the value.",
		"correct the line"},
	{"bad-server-url", in(sdp.Invalid), "The server's address is not a URL.", "use one such as http://sdp.example:7700"},
	{"file-cut", in(sdp.Unavailable), "A download ended before it was whole.", "ask again"},
	{"log-cut", in(sdp.Unavailable), "A log ended before it was whole.", "ask again"},
	{"no-archive", in(sdp.Invalid), "The archive of images cannot be read.", "make it with `docker save -o FILE NAME:TAG`"},
	{"no-config-dir", in(sdp.Invalid), "There is no place for the session file.", "set HOME or XDG_CONFIG_HOME"},
	{"server-unreachable", in(sdp.Unavailable), "The server does not answer.",
		"check that it runs, or name another with --server"},
	{"session-unreadable", in(sdp.Invalid), "The session file cannot be read.",
		"make it readable for this user, or remove it and log in again"},
	{"session-unwritable", in(sdp.Invalid), "The session file cannot be written.",
		"make its directory writable, or set XDG_CONFIG_HOME"},
	{"unknown-code", in(sdp.NotFound), "There is no such error code.", "`sdp explain` lists them"},
	{"usage", in(sdp.Invalid), "The command line is wrong.", "`sdp --help` lists verbs and flags"},
}
