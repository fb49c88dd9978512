package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// searchAttributes are what SDP's workflows can be found by in the Web UI. They are never encrypted.
var searchAttributes = []string{"SdpSandbox", "SdpService", "SdpNode", "SdpUser", "SdpState"}

// namespacePatience is how long the frontend of a server that was just started may refuse.
const namespacePatience = 30 * time.Second

// namespaceRefresh is how often the services look for changed namespaces until ours is there; the server's default of
// two seconds would be two seconds of every first start.
const namespaceRefresh = 200 * time.Millisecond

// prepareNamespace creates the namespace and its search attributes, or brings them to what the options say, and returns
// when all services know them.
func prepareNamespace(ctx context.Context, conn *grpc.ClientConn, name string, retention time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, namespacePatience)
	defer cancel()
	err := retry(ctx, func() error { return registerNamespace(ctx, conn, name, retention) })
	if err != nil {
		return fmt.Errorf("creating namespace %s: %w", name, err)
	}
	added := false
	// The frontend learns of a new namespace a moment later.
	err = retry(ctx, func() error {
		some, err := addSearchAttributes(ctx, conn, name)
		added = added || some
		return err
	})
	if err == nil {
		err = retry(ctx, func() error { return querySearchAttributes(ctx, conn, name) })
	}
	if err != nil {
		return fmt.Errorf("creating the search attributes of namespace %s: %w", name, err)
	}
	if added {
		// The frontend knows now. The other services, which cannot be asked, refresh at the same pace.
		select {
		case <-ctx.Done():
		case <-time.After(2 * namespaceRefresh):
		}
	}
	return nil
}

func registerNamespace(ctx context.Context, conn *grpc.ClientConn, name string, retention time.Duration) error {
	client := workflowservice.NewWorkflowServiceClient(conn)
	found, err := client.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: name})
	if err == nil {
		if found.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() == retention {
			return nil
		}
		_, err = client.UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
			Namespace: name,
			Config:    &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(retention)},
		})
		return err
	}
	if notFound := new(serviceerror.NamespaceNotFound); !errors.As(fromStatus(err), &notFound) {
		return err
	}
	_, err = client.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        name,
		WorkflowExecutionRetentionPeriod: durationpb.New(retention),
		Description:                      "Sandbox Deployment Platform",
	})
	if exists := new(serviceerror.NamespaceAlreadyExists); errors.As(fromStatus(err), &exists) {
		return nil
	}
	return err
}

// addSearchAttributes adds those that are missing and reports whether there were any.
func addSearchAttributes(ctx context.Context, conn *grpc.ClientConn, namespace string) (added bool, err error) {
	client := operatorservice.NewOperatorServiceClient(conn)
	have, err := client.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return false, err
	}
	missing := map[string]enumspb.IndexedValueType{}
	for _, name := range searchAttributes {
		if _, ok := have.GetCustomAttributes()[name]; !ok {
			missing[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
		}
	}
	if len(missing) == 0 {
		return false, nil
	}
	_, err = client.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	return err == nil, err
}

// querySearchAttributes searches by all attributes, which is an error while the frontend does not know one.
func querySearchAttributes(ctx context.Context, conn *grpc.ClientConn, namespace string) error {
	_, err := workflowservice.NewWorkflowServiceClient(conn).CountWorkflowExecutions(ctx,
		&workflowservice.CountWorkflowExecutionsRequest{
			Namespace: namespace, Query: strings.Join(searchAttributes, " = 'x' AND ") + " = 'x'",
		})
	return err
}

// retry repeats f every 50 ms until it returns nil or ctx ends; it returns the last error.
func retry(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func fromStatus(err error) error {
	if err == nil {
		return nil
	}
	return serviceerror.FromStatus(status.Convert(err))
}
