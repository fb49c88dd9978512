// Package transport is what all HTTP answers have in common, whatever they are about: bodies that must arrive in time,
// answers that are held back or compressed. It knows nothing of what is served.
package transport

import (
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// Compressing wraps a handler so that JSON and CSV answers of the API are compressed for who accepts it. Log downloads
// are sent as they are: they have ranges and a length. Package dashboard compresses its files once.
//
// BREACH and its kin read a secret out of the length of compressed answers that hold both the secret and what the
// attacker made the browser send. No answer holds a secret but the one to a login, which is left out here: session
// tokens travel in cookies and headers, values of secrets never come back, and requests of other sites are refused by
// their origin, so that there is no token against them in a body. A session cookie is not even sent with requests of
// other sites (SameSite=Strict). The jitter makes lengths say less, should that ever change unnoticed.
func Compressing(h http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(Worthwhile), gzhttp.EnableZstd(false), gzhttp.RandomJitter(32, 0, false),
		gzhttp.CompressionLevel(gzip.BestSpeed), // lists are read often, over networks that are fast
		gzhttp.ContentTypes([]string{"application/json", "application/problem+json", "application/openapi+json", "text/csv"}))
	if err != nil {
		return nil, err
	}
	wrapped := wrap(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if compressible(r) {
			wrapped.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}), nil
}

func compressible(r *http.Request) bool {
	path := r.URL.Path
	ofAPI := strings.HasPrefix(path, "/api/") && path != "/api/v1/session" || strings.HasPrefix(path, "/openapi")
	return ofAPI && r.Header.Get("Upgrade") == ""
}

// Worthwhile is how many bytes an answer must have to be compressed: less fits into one packet either way.
const Worthwhile = 1024

// AcceptsGzip reads an Accept-Encoding header (RFC 9110, 12.5.3).
func AcceptsGzip(header string) bool {
	any := false
	for coding := range strings.SplitSeq(header, ",") {
		name, parameter, _ := strings.Cut(coding, ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			weight, _ = strconv.ParseFloat(q, 64) // what is no number is 0
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "x-gzip":
			return weight > 0
		case "*":
			any = weight > 0
		}
	}
	return any
}
