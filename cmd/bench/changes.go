package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"sdp/api/rest"
)

// cloneByHand runs copies of the images of a sandbox's containers, all at once, and waits until each is healthy.
const cloneByHand = `
n=0
for image in $1; do
	n=$((n + 1))
	(
		docker run -d --name "sdp-bench-by-hand-$n" -e PORT=8080 "$image" >/dev/null
		ip=$(docker inspect -f '{{.NetworkSettings.IPAddress}}' "sdp-bench-by-hand-$n")
		until curl -fsS -o /dev/null "http://$ip:8080/healthz" 2>/dev/null; do sleep 0.01; done
	) &
done
wait
`

const removeCopies = `docker ps -aq --filter name=^sdp-bench-by-hand- | xargs -r docker rm -f >/dev/null`

// clones measures the clone of a sandbox with four services against four containers started by hand.
func clones(ctx context.Context, s *stack) ([]figure, error) {
	if err := s.addFleet(ctx); err != nil {
		return nil, err
	}
	file, err := s.specification("original", "main", 4)
	if err != nil {
		return nil, err
	}
	if _, err := s.sdp(ctx, "apply", "-f", file); err != nil {
		return nil, err
	}
	images, err := s.sh(ctx, s.root, `docker ps --filter label=sdp.sandbox=original --format '{{.Image}}' | tr '\n' ' '`)
	if err != nil {
		return nil, err
	}
	var ours, theirs []time.Duration
	for n := range rounds {
		name := fmt.Sprintf("copy-%d", n)
		a, err := took(func() error { _, err := s.sdp(ctx, "sandbox", "clone", "original", name); return err })
		if err != nil {
			return nil, err
		}
		if _, err := s.sdp(ctx, "sandbox", "delete", name); err != nil {
			return nil, err
		}
		b, err := took(func() error { _, err := s.sh(ctx, s.root, cloneByHand, images); return err })
		if err != nil {
			return nil, err
		}
		if _, err := s.sh(ctx, s.root, removeCopies); err != nil {
			return nil, err
		}
		ours, theirs = append(ours, a), append(theirs, b)
	}
	return []figure{compare("clone of 4 services : 4 x docker run at once + curl", ours, theirs, 2.0)}, nil
}

// applies measures eight services from cold in one apply, with the node's two builds at once, against the sum of eight
// cold deploys one after another.
func applies(ctx context.Context, s *stack) ([]figure, error) {
	const services, repeat = 8, 3
	if err := s.addFleet(ctx); err != nil {
		return nil, err
	}
	if _, err := s.sandbox(ctx, "one-by-one"); err != nil {
		return nil, err
	}
	var ours, theirs []time.Duration
	for round := range repeat {
		if err := s.pushFleet(ctx, "bench-apply", services, round); err != nil {
			return nil, err
		}
		var sum time.Duration
		for i := range services {
			d, err := took(func() error {
				_, err := s.sdp(ctx, "deploy", "one-by-one", fleetName(i)+"@bench-apply", "--wait")
				return err
			})
			if err != nil {
				return nil, err
			}
			sum += d
		}
		if err := s.pushFleet(ctx, "bench-apply", services, round+repeat); err != nil {
			return nil, err
		}
		file, err := s.specification("together", "bench-apply", services)
		if err != nil {
			return nil, err
		}
		d, err := took(func() error { _, err := s.sdp(ctx, "apply", "-f", file); return err })
		if err != nil {
			return nil, err
		}
		ours, theirs = append(ours, d), append(theirs, sum)
	}
	return []figure{compare("apply of 8 services from cold : 8 cold deploys, summed", ours, theirs, 0.75)}, nil
}

// lsRemoteAll asks for a branch of each repository, all at once, and prints how long the slowest took in milliseconds.
const lsRemoteAll = `
for url in $1; do
	( began=$(date +%s%N); git ls-remote -q "$url" refs/heads/main >/dev/null; echo $((($(date +%s%N) - began) / 1000000)) ) &
done | sort -n | tail -n 1
wait
`

// plans measures the plan of twenty services against the slowest answer of the git server in it, and says what twenty
// `git ls-remote` at once take by hand.
func plans(ctx context.Context, s *stack) ([]figure, error) {
	if err := s.addFleet(ctx); err != nil {
		return nil, err
	}
	file, err := s.specification("planned", "main", fleet)
	if err != nil {
		return nil, err
	}
	var urls string
	for n := range fleet {
		urls += s.remote(n) + " "
	}
	var ours, inside, byHand []time.Duration
	for range rounds + 1 { // the first round warms both up and does not count
		var out string
		a, err := took(func() (err error) { out, err = s.sdp(ctx, "plan", "-f", file, "-o", "json"); return err })
		if err != nil {
			return nil, err
		}
		var plan rest.Plan
		if err := json.Unmarshal([]byte(out), &plan); err != nil || len(plan.Nodes) == 0 || len(plan.Problems) > 0 {
			return nil, errors.Join(fmt.Errorf("the plan says %s", out), err)
		}
		slowest := slices.MaxFunc(plan.Nodes, func(a, b rest.PlannedNode) int { return cmp.Compare(a.GitMillis, b.GitMillis) })
		out, err = s.sh(ctx, s.root, lsRemoteAll, urls)
		if err != nil {
			return nil, err
		}
		b, err := time.ParseDuration(out + "ms")
		if err != nil {
			return nil, err
		}
		ours, byHand = append(ours, a), append(byHand, b)
		inside = append(inside, time.Duration(slowest.GitMillis*float64(time.Millisecond)))
	}
	f := compare("plan of 20 services : the slowest ls-remote in it", ours[1:], inside[1:], 1.5)
	f.comments = []string{fmt.Sprintf("the slowest of 20 `git ls-remote` at once, by hand: %s; plan : that = %.2f",
		spread(byHand[1:]), float64(median(ours[1:]))/float64(median(byHand[1:])))}
	return []figure{f}, nil
}
