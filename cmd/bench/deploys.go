package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// byHand is what a person without SDP would script: fetch, export, build, image, container, wait until healthy. It uses
// the same Go flags and build cache, so both compile the same.
const byHand = `
cd "$1"
git fetch -q origin "$2"
rm -rf ../export && mkdir ../export
git archive FETCH_HEAD | tar -x -C ../export
cd ../export
CGO_ENABLED=0 GOPROXY=off go build -trimpath -buildvcs=false -ldflags='-s -w' -o service ./cmd/account
printf 'FROM scratch\nCOPY service /service\nUSER 65532\nENTRYPOINT ["/service"]\n' > Dockerfile
printf '*\n!service\n' > .dockerignore
docker build -q -t sdp-bench-by-hand:"$3" . >/dev/null
` + runByHand

// runByHand starts a container of an image and waits until it is healthy.
const runByHand = `
docker run -d --name sdp-bench-by-hand -e PORT=8080 "sdp-bench-by-hand:$3" >/dev/null
ip=$(docker inspect -f '{{.NetworkSettings.IPAddress}}' sdp-bench-by-hand)
until curl -fsS -o /dev/null "http://$ip:8080/healthz" 2>/dev/null; do sleep 0.01; done
`

func (s *stack) removeByHand(ctx context.Context) error {
	_, err := s.sh(ctx, s.root, `docker rm -f sdp-bench-by-hand >/dev/null`)
	return err
}

// coldDeploys measures a new commit with a warm build cache, from the command to the healthy container.
func coldDeploys(ctx context.Context, s *stack) ([]figure, error) {
	if _, err := s.sandbox(ctx, "cold"); err != nil {
		return nil, err
	}
	clone := filepath.Join(s.root, "by-hand")
	if _, err := s.sh(ctx, s.root, `git clone -q "$1" by-hand`, s.git+"/scm/demo/account.git"); err != nil {
		return nil, err
	}
	var ours, theirs []time.Duration
	for n := range rounds + 1 { // the first round warms both up and does not count
		if _, err := s.newCommit(ctx, "bench-cold", n); err != nil {
			return nil, err
		}
		a, err := took(func() error { _, err := s.sdp(ctx, "deploy", "cold", "account@bench-cold", "--wait"); return err })
		if err != nil {
			return nil, err
		}
		if _, err := s.newCommit(ctx, "bench-hand", n); err != nil {
			return nil, err
		}
		b, err := took(func() error {
			_, err := s.sh(ctx, s.root, byHand, clone, "bench-hand", fmt.Sprint(n))
			return err
		})
		if err != nil {
			return nil, err
		}
		if err := s.removeByHand(ctx); err != nil {
			return nil, err
		}
		if n > 0 {
			ours, theirs = append(ours, a), append(theirs, b)
		}
	}
	_, err := s.sh(ctx, s.root, `docker images -q sdp-bench-by-hand | xargs -r docker rmi -f >/dev/null`)
	f := compare("cold deploy : shell script", ours, theirs, 1.0)
	f.comments, err = s.shares(ctx, "cold", err)
	return []figure{f}, err
}

// warmDeploys measures a commit that was built already, into another sandbox, against `docker run` of its image.
func warmDeploys(ctx context.Context, s *stack) ([]figure, error) {
	if _, err := s.newCommit(ctx, "bench-warm", 0); err != nil {
		return nil, err
	}
	if _, err := s.sandbox(ctx, "warm-0"); err != nil {
		return nil, err
	}
	if _, err := s.sdp(ctx, "deploy", "warm-0", "account@bench-warm", "--wait"); err != nil {
		return nil, err
	}
	tag := `docker tag "$(docker ps --filter label=sdp.sandbox=warm-0 --format '{{.Image}}')" sdp-bench-by-hand:warm`
	if _, err := s.sh(ctx, s.root, tag); err != nil {
		return nil, err
	}
	var ours, theirs []time.Duration
	for n := 1; n <= rounds; n++ {
		name := fmt.Sprintf("warm-%d", n)
		if _, err := s.sandbox(ctx, name); err != nil {
			return nil, err
		}
		a, err := took(func() error { _, err := s.sdp(ctx, "deploy", name, "account@bench-warm", "--wait"); return err })
		if err != nil {
			return nil, err
		}
		b, err := took(func() error { _, err := s.sh(ctx, s.root, runByHand, "", "", "warm"); return err })
		if err != nil {
			return nil, err
		}
		if err := s.removeByHand(ctx); err != nil {
			return nil, err
		}
		ours, theirs = append(ours, a), append(theirs, b)
	}
	_, err := s.sh(ctx, s.root, `docker rmi sdp-bench-by-hand:warm >/dev/null`)
	f := compare("warm deploy : docker run + curl until healthy", ours, theirs, 2.0)
	f.comments, err = s.shares(ctx, "warm-3", err)
	return []figure{f}, err
}

// startByHand is what Docker alone needs for one more sandbox: a network and a container of an image that is there.
const startByHand = `
docker network create --subnet "10.211.$1.0/24" "sdp-bench-by-hand-$1" >/dev/null
docker run -d --name "sdp-bench-by-hand-$1" --network "sdp-bench-by-hand-$1" -e PORT=8080 sdp-bench-by-hand:warm >/dev/null
until curl -fsS -o /dev/null "http://$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' \
	"sdp-bench-by-hand-$1"):8080/healthz" 2>/dev/null; do sleep 0.01; done
`

// dockerAlone measures the same without SDP: how many times as long do so many starts at once take as one? It is the
// floor that the machine sets.
func (s *stack) dockerAlone(ctx context.Context, many int) (float64, error) {
	start := func(n int) (time.Duration, error) {
		return took(func() error { _, err := s.sh(ctx, s.root, startByHand, fmt.Sprint(n)); return err })
	}
	remove := func() error {
		_, err := s.sh(ctx, s.root, `docker ps -aq --filter name=^sdp-bench-by-hand- | xargs -r docker rm -f >/dev/null
			docker network ls -q --filter name=^sdp-bench-by-hand- | xargs -r docker network rm >/dev/null`)
		return err
	}
	var alone []time.Duration
	for range rounds {
		d, err := start(0)
		if err := errors.Join(err, remove()); err != nil {
			return 0, err
		}
		alone = append(alone, d)
	}
	together, err := atOnce(many, start)
	if err := errors.Join(err, remove()); err != nil {
		return 0, err
	}
	return float64(percentile(together, 95)) / float64(median(alone)), nil
}

// atOnce does something many times at once.
func atOnce(many int, do func(int) (time.Duration, error)) ([]time.Duration, error) {
	took := make([]time.Duration, many)
	errs := make([]error, many)
	var group sync.WaitGroup
	for n := range many {
		group.Go(func() { took[n], errs[n] = do(n) })
	}
	group.Wait()
	return took, errors.Join(errs...)
}

// parallelDeploys measures ten warm deploys at once into ten sandboxes against one alone.
func parallelDeploys(ctx context.Context, s *stack) ([]figure, error) {
	const many = 10
	if _, err := s.newCommit(ctx, "bench-parallel", 0); err != nil {
		return nil, err
	}
	deploy := func(name string) (time.Duration, error) {
		return took(func() error { _, err := s.sdp(ctx, "deploy", name, "account@bench-parallel", "--wait"); return err })
	}
	var alone []time.Duration
	for n := range rounds + 1 {
		name := fmt.Sprintf("alone-%d", n)
		if _, err := s.sandbox(ctx, name); err != nil {
			return nil, err
		}
		d, err := deploy(name)
		if err != nil {
			return nil, err
		}
		if n > 0 { // the first one builds
			alone = append(alone, d)
		}
		if _, err := s.sdp(ctx, "sandbox", "delete", name, "--wait"); err != nil {
			return nil, err
		}
	}
	for n := range many {
		if _, err := s.sandbox(ctx, fmt.Sprintf("par-%d", n)); err != nil {
			return nil, err
		}
	}
	together, err := atOnce(many, func(n int) (time.Duration, error) { return deploy(fmt.Sprintf("par-%d", n)) })
	if err != nil {
		return nil, err
	}
	tag := `docker tag "$(docker ps --filter label=sdp.sandbox=par-0 --format '{{.Image}}')" sdp-bench-by-hand:warm`
	if _, err := s.sh(ctx, s.root, tag); err != nil {
		return nil, err
	}
	floor, err := s.dockerAlone(ctx, many)
	if err != nil {
		return nil, err
	}
	if _, err := s.sh(ctx, s.root, `docker rmi sdp-bench-by-hand:warm >/dev/null`); err != nil {
		return nil, err
	}
	p95, one := percentile(together, 95), median(alone)
	ratio := float64(p95) / float64(one)
	return []figure{{name: "10 warm deploys at once, p95 : one alone", ours: show(p95), theirs: show(one) + " alone", ratio: ratio,
		bar: "<= 5.00, 0 fail", met: ratio <= 5, comments: []string{fmt.Sprintf(
			"none failed; Docker alone, without SDP: a network and a container, 10 at once : one alone = %.2f", floor)}}}, nil
}
