package sdp

import "testing"

func TestCommandOfARemedy(t *testing.T) {
	for remedy, want := range map[string]string{
		"`sdp branches account` lists its branches":                        "sdp branches account",
		"choose another name, or delete it first: `sdp sandbox delete a`":  "", // nothing to do without being asked
		"wait, or cancel it: `sdp cancel o-1`; `sdp history a` shows more": "sdp history a",
		"`sdp branches REPOSITORY` lists the branches there are":           "",
		"`sdp branches` lists them":                                        "",
		"`sdp env show a;reboot` shows it":                                 "",
		"`sdp sandbox show $(reboot)`":                                     "",
		"`sdp sandbox listing`":                                            "",
		"sign in: `sdp login`":                                             "sdp login",
		"make it with `docker save -o image.tar NAME:TAG`":                 "",
		"": "",
	} {
		if got := Errorf(Invalid, "x", "y").WithRemedy("%s", remedy).Command; got != want {
			t.Errorf("%s: %q, want %q", remedy, got, want)
		}
	}
}

func TestAFailureKeepsWhatItsErrorSays(t *testing.T) {
	e := Errorf(NotFound, "branch-not-found", "there is no branch x").WithRemedy("`sdp branches account` lists them")
	if got := e.Failure().Err(); got.Error() != e.Error() || got.Command != "sdp branches account" || got.Kind != e.Kind || got.Code != e.Code {
		t.Errorf("got %+v", got)
	}
}
