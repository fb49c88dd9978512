package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"sdp/api/problem"
	"sdp/internal/control"
	"sdp/internal/sdp"
)

const (
	downloadChunk   = 256 << 10 // bytes read from the database at once
	downloadTimeout = 30 * time.Second
)

// logInput is what a download takes. A Range header wins over offset.
type logInput struct {
	ID     string `path:"id"`
	Offset int64  `query:"offset" minimum:"0" doc:"first byte wanted"`
	Range  string `header:"Range" maxLength:"100"`
}

type serviceLogInput struct {
	Name    string `path:"name"`
	Service string `path:"service"`
	Offset  int64  `query:"offset" minimum:"0" doc:"first byte wanted"`
	Range   string `header:"Range" maxLength:"100"`
}

// logSource is a log somebody may read.
type logSource struct {
	stream     string
	deployment string
	file       string // name of the download
}

func deploymentLog(d sdp.Deployment) logSource {
	return logSource{sdp.DeploymentStream(d.ID), d.ID, fmt.Sprintf("%s-%s-%s.log", d.Sandbox, d.Service, d.ID)}
}

// serviceLog is what the container that serves prints, or else the one of the newest deployment.
func (s *Server) serviceLog(ctx context.Context, sandboxName, serviceName string) (logSource, error) {
	if err := sdp.CheckServiceName(serviceName); err != nil {
		return logSource{}, err
	}
	sandbox, err := s.control.Sandbox(ctx, sandboxName)
	if err != nil {
		return logSource{}, err
	}
	service, err := control.ServiceOf(sandbox, serviceName)
	if err != nil {
		return logSource{}, err
	}
	var deployment string
	switch {
	case service.Serving != nil:
		deployment = service.Serving.Deployment
	case service.Latest != nil:
		deployment = service.Latest.ID
	default:
		return logSource{}, sdp.Errorf(sdp.NotFound, "no-container-log", "service %s never had a container in sandbox %s",
			serviceName, sandboxName).WithRemedy("`sdp deploy %s %s@BRANCH` starts one", sandboxName, serviceName)
	}
	return logSource{sdp.ContainerStream(deployment), deployment, fmt.Sprintf("%s-%s.log", sandboxName, serviceName)}, nil
}

func (s *Server) downloadLog(ctx context.Context, in *logInput) (*huma.StreamResponse, error) {
	d, err := s.control.Deployment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.sendLog(ctx, deploymentLog(d), in.Range, in.Offset)
}

func (s *Server) downloadServiceLog(ctx context.Context, in *serviceLogInput) (*huma.StreamResponse, error) {
	source, err := s.serviceLog(ctx, in.Name, in.Service)
	if err != nil {
		return nil, err
	}
	return s.sendLog(ctx, source, in.Range, in.Offset)
}

// sendLog sends the log as it is now; X-Log-Final tells whether more may come.
func (s *Server) sendLog(ctx context.Context, source logSource, rangeHeader string,
	offset int64) (*huma.StreamResponse, error) {
	end, final, err := s.db.LogLength(ctx, source.stream)
	if err != nil {
		return nil, err
	}
	from, to, status := min(offset, end), end, http.StatusOK
	if a, b, ok := parseRange(rangeHeader, end); ok {
		if a >= end {
			return nil, problem.WithStatus(http.StatusRequestedRangeNotSatisfiable,
				sdp.Errorf(sdp.Invalid, "bad-range", "the log has %d bytes", end), "Content-Range", fmt.Sprintf("bytes */%d", end))
		}
		from, to, status = a, b, http.StatusPartialContent
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		c := humagin.Unwrap(hc)
		if status == http.StatusPartialContent {
			c.Header("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, end))
		}
		c.Header("Content-Type", "text/plain; charset=utf-8")
		c.Header("Content-Disposition", `attachment; filename="`+source.file+`"`)
		c.Header("Accept-Ranges", "bytes")
		c.Header("Content-Length", strconv.FormatInt(to-from, 10))
		c.Header("X-Log-Final", strconv.FormatBool(final))
		c.Status(status)
		c.Writer.WriteHeaderNow()
		if err := s.copyLog(ctx, c.Writer, source.stream, from, to); err != nil {
			panic(http.ErrAbortHandler) // the length was promised: only a broken connection tells that bytes are missing
		}
	}}, nil
}

// copyLog writes the bytes of [from, to). A reader that is slow costs one chunk of memory; one that reads nothing for
// downloadTimeout is given up.
func (s *Server) copyLog(ctx context.Context, w http.ResponseWriter, stream string, from, to int64) error {
	rc := http.NewResponseController(w)
	defer func() { _ = rc.SetWriteDeadline(time.Time{}) }() // the connection may serve other requests
	for from < to {
		data, end, _, err := s.db.ReadLog(ctx, stream, from, int(min(downloadChunk, to-from)))
		if err != nil {
			return err
		}
		if len(data) == 0 || end != from+int64(len(data)) { // dropped meanwhile
			return io.ErrUnexpectedEOF
		}
		_ = rc.SetWriteDeadline(time.Now().Add(downloadTimeout)) // not supported by a test's recorder
		if _, err := w.Write(data); err != nil {
			return err
		}
		from = end
	}
	return rc.Flush()
}

var rangePattern = regexp.MustCompile(`^bytes=(\d{0,18})-(\d{0,18})$`)

// parseRange returns the half-open range a header asks for out of size bytes. What it cannot make sense of, several
// ranges among it, is as if it were not there (RFC 9110, 14.2).
func parseRange(header string, size int64) (from, to int64, ok bool) {
	m := rangePattern.FindStringSubmatch(strings.TrimSpace(header))
	if m == nil || m[1] == "" && m[2] == "" {
		return 0, 0, false
	}
	first, _ := strconv.ParseInt(m[1], 10, 64)
	last, _ := strconv.ParseInt(m[2], 10, 64)
	switch {
	case m[1] == "": // the last bytes
		if last == 0 {
			return size, size, true
		}
		return max(0, size-last), size, true
	case m[2] == "":
		return first, size, true
	case last < first:
		return 0, 0, false
	}
	return first, min(last+1, size), true
}
