package role

import (
	"net/http"
	"net/url"
	"strings"

	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/secret/payload"
)

// codecPath is where the Temporal Web UI has payloads decoded, see temporald's --codec-endpoint.
const codecPath = "/codec/"

// withCodec adds the codec endpoint to the API: signed-in users see payloads decoded in the Temporal Web UI, which is
// another origin and sends the dashboard's cookie along. Nothing but decoding is offered.
func (s *server) withCodec(api http.Handler, keys *secret.CodecKeys) http.Handler {
	decode := http.StripPrefix(strings.TrimSuffix(codecPath, "/"), payload.Handler(keys))
	origin := originOf(s.config.Temporal.UI)
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.HandleFunc("OPTIONS "+codecPath+"decode", func(w http.ResponseWriter, r *http.Request) {
		allow(w, origin)
		w.Header().Set("Access-Control-Allow-Methods", "POST")
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type, X-Namespace, Authorization")
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST "+codecPath+"decode", func(w http.ResponseWriter, r *http.Request) {
		allow(w, origin)
		if from := r.Header.Get("Origin"); from != "" && from != origin {
			http.Error(w, "only the Temporal Web UI of this installation may ask", http.StatusForbidden)
			return
		}
		if !s.signedIn(r) {
			http.Error(w, "sign in to the SDP dashboard in this browser", http.StatusUnauthorized)
			return
		}
		decode.ServeHTTP(w, r)
	})
	return mux
}

func allow(w http.ResponseWriter, origin string) {
	if origin == "" {
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Allow-Credentials", "true")
	w.Header().Add("Vary", "Origin")
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// signedIn reports whether a request carries a session, as the API's own endpoints want it.
func (s *server) signedIn(r *http.Request) bool {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if cookie, err := r.Cookie(sdp.SessionCookie); !bearer && err == nil {
		token = cookie.Value
	}
	session, err := s.keys.OpenSession(token)
	if err != nil {
		return false
	}
	revoked, err := s.db.SessionRevoked(r.Context(), session.ID)
	return err == nil && !revoked
}
