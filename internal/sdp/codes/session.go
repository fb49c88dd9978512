package codes

import "sdp/internal/sdp"

// session are errors about who asks, and with which credentials.
var session = []Code{
	{"bad-node-token", in(sdp.Unauthenticated), "A node shows a token that is not its own.",
		"copy the node's token from the server to the file server.tokenFile names"},
	{"bad-session", in(sdp.Unauthenticated), "The session cannot be read or was not issued by this server.",
		"sign in again: `sdp login`"},
	{"credentials-expired", in(sdp.Unauthenticated), "The git credentials an operation was started with cannot be used any more.",
		"start the operation again"},
	{"credentials-too-long", in(sdp.Invalid), "User name and password do not fit into a session.",
		"use a password or token of at most 2,000 characters"},
	{"login-not-proven", in(sdp.Unavailable), "The answer to a login is not that of the node that was asked.",
		"the operator gives the node its token and runs the same version of sdp on both"},
	{"login-repository-missing", in(sdp.Unavailable),
		"Nobody can sign in: the repository that logins are checked against is not there.",
		"the operator sets login.repository of server.yaml"},
	{"no-credential", in(sdp.NotFound), "No git credentials of the user are stored.", "nothing has to be deleted"},
	{"nobody", in(sdp.Forbidden), "An operation was asked for by nobody who is signed in.", "sign in: `sdp login`"},
	{"not-signed-in", in(sdp.Unauthenticated), "The request carries no session.", "sign in: `sdp login`"},
	{"other-node", in(sdp.Forbidden), "A node speaks for another node.", "register repositories and nodes from the node itself"},
	{"repository-forbidden", in(sdp.Forbidden), "The git server does not let the user read the repository.",
		"ask for read access; sign in to the git server in a browser once"},
	{"session-expired", in(sdp.Unauthenticated), "The session is over, or was ended by a logout.", "sign in again: `sdp login`"},
	{"too-many-logins", in(sdp.Exhausted), "Too many attempts to sign in came from one place or for one user.",
		"wait as long as the answer says"},
	{"tracking-needs-credential", in(sdp.Unauthenticated),
		"Services follow branches, and the owner of their sandbox has stored no git credentials.",
		"the owner stores them: `sdp track credential store`"},
	{"tracking-stopped", in(sdp.Unauthenticated), "The git server refuses the credentials stored for following branches.",
		"the owner signs in again and stores them anew"},
	{"wrong-credentials", in(sdp.Unauthenticated), "The git server refuses the user name or password.",
		"sign in again: `sdp login`; renew an expired app password first"},
}
