package main

import (
	"context"
	"net"
	"strings"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// newUI returns the Web UI, read-only: whatever changes a workflow goes through SDP, where it is audited.
func newUI(o options, frontend string) (*uiserver.Server, error) {
	ip, port, err := splitAddress(o.uiListen)
	if err != nil {
		return nil, err
	}
	if strings.Contains(ip, ":") {
		ip = "[" + ip + "]" // the Web UI joins host and port without looking
	}
	return uiserver.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
		Host:                ip,
		Port:                port,
		TemporalGRPCAddress: frontend,
		DefaultNamespace:    o.namespace,
		EnableUI:            true,
		HideLogs:            true,
		DisableNewsFetch:    true,
		DisableWriteActions: true,
		Distribution:        "server",
		CORS:                uiconfig.CORS{CookieInsecure: true}, // plain HTTP on a management network
		Codec: uiconfig.Codec{
			Endpoint: o.codec, IncludeCredentials: o.codec != "" && o.codecToken,
			DefaultErrorMessage: "sign in to SDP in this browser to see decoded payloads",
		},
	})), nil
}

// checkFree returns an error if address is taken; the Web UI and the server would end the process and hardly say why.
func checkFree(address string) error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return err
	}
	return l.Close()
}
