package main

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"go.temporal.io/server/common/auth"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

// clusterID is fixed because the first start writes it into the database, and it must stay what it was.
const (
	clusterName = "sdp"
	clusterID   = "e5a9bd43-60c5-4a3c-9a40-7d3c8e1f5d10"
)

// newSettings returns what differs from the server's defaults.
func newSettings() *dynamicconfig.MemoryClient {
	settings := dynamicconfig.NewMemoryClient()
	// A cancelled activity hears of it at once (measured: 10 ms) instead of with its next heartbeat.
	settings.OverrideSetting(dynamicconfig.WorkerCommandsEnabled, true)
	settings.OverrideSetting(dynamicconfig.EnableCancelActivityWorkerCommand, true)
	return settings
}

// newServer returns the Temporal server and the address of a loopback frontend that needs no certificate.
func newServer(o options, settings dynamicconfig.Client, logger log.Logger) (temporal.Server, string, error) {
	conf, err := o.serverConfig()
	if err != nil {
		return nil, "", err
	}
	services, hosts := make([]string, 0, len(conf.Services)), map[primitives.ServiceName]static.Hosts{}
	for name, service := range conf.Services {
		services = append(services, name)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(service.RPC.GRPCPort))
		if name == string(primitives.FrontendService) {
			address = reachable(o.listen)
		}
		hosts[primitives.ServiceName(name)] = static.SingleLocalHost(address)
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(conf),
		temporal.ForServices(services),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(logger),
		temporal.WithDynamicConfigClient(settings),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
	)
	local := reachable(o.listen)
	if internal, ok := hosts[primitives.InternalFrontendService]; ok {
		local = internal.Self
	}
	return server, local, err
}

func (o options) serverConfig() (*config.Config, error) {
	var conf config.Config
	services, err := o.services()
	if err != nil {
		return nil, err
	}
	persistence, err := o.persistence()
	if err != nil {
		return nil, err
	}
	conf.Services = services
	conf.Persistence = persistence
	conf.Global.Membership.MaxJoinDuration = 30 * time.Second
	conf.Global.Membership.BroadcastAddress = "127.0.0.1"
	if o.metrics != "" {
		conf.Global.Metrics = &metrics.Config{
			Prometheus: &metrics.PrometheusConfig{ListenAddress: o.metrics, HandlerPath: "/metrics"},
		}
	}
	if o.tls.enabled() {
		conf.Global.TLS.Frontend.Server = o.tls.server()
	}
	conf.ClusterMetadata = &cluster.Config{
		FailoverVersionIncrement: 10,
		MasterClusterName:        clusterName,
		CurrentClusterName:       clusterName,
		ClusterInformation: map[string]cluster.ClusterInformation{
			clusterName: {
				Enabled: true, InitialFailoverVersion: 1, ClusterID: clusterID, RPCAddress: reachable(o.listen),
			},
		},
	}
	conf.DCRedirectionPolicy.Policy = "noop"
	conf.Archival.History.State = "disabled"
	conf.Archival.Visibility.State = "disabled"
	conf.NamespaceDefaults.Archival.History.State = "disabled"
	conf.NamespaceDefaults.Archival.Visibility.State = "disabled"
	return &conf, nil
}

// services gives every service but the frontend a free port on the loopback interface. With TLS there is an internal
// frontend for the server's own workers and our Web UI, which would need a client certificate otherwise.
func (o options) services() (map[string]config.Service, error) {
	internal := []primitives.ServiceName{
		primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
	}
	if o.tls.enabled() {
		internal = append(internal, primitives.InternalFrontendService)
	}
	services := map[string]config.Service{}
	for _, name := range internal {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: "127.0.0.1"}}
	}
	host, port, err := splitAddress(o.listen)
	if err != nil {
		return nil, err
	}
	services[string(primitives.FrontendService)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: host}}
	return services, nil
}

func (o options) persistence() (config.Persistence, error) {
	main, err := o.postgres.sqlConfig(o.postgres.database, o.postgres.maxConns)
	if err != nil {
		return config.Persistence{}, err
	}
	visibility, err := o.postgres.sqlConfig(o.postgres.visibility, (o.postgres.maxConns+1)/2)
	if err != nil {
		return config.Persistence{}, err
	}
	return config.Persistence{
		DefaultStore:     "main",
		VisibilityStore:  "visibility",
		NumHistoryShards: int32(o.shards),
		DataStores:       map[string]config.DataStore{"main": {SQL: main}, "visibility": {SQL: visibility}},
	}, nil
}

// sqlConfig returns how the server connects to one of the two databases.
func (p postgresOptions) sqlConfig(database string, maxConns int) (*config.SQL, error) {
	password, err := p.password()
	if err != nil {
		return nil, err
	}
	c := &config.SQL{
		PluginName:        postgresql.PluginNamePGX,
		ConnectAddr:       p.address,
		ConnectProtocol:   "tcp",
		DatabaseName:      database,
		User:              p.user,
		Password:          password,
		ConnectAttributes: map[string]string{"sslmode": p.sslmode, "application_name": "temporald"},
		MaxConns:          maxConns,
		MaxIdleConns:      (maxConns + 1) / 2,
		MaxConnLifetime:   time.Hour,
	}
	if p.ca != "" {
		c.TLS = &auth.TLS{Enabled: true, CaFile: p.ca, EnableHostVerification: p.sslmode == "verify-full"}
	}
	return c, nil
}

func (t tlsOptions) server() config.ServerTLS {
	s := config.ServerTLS{CertFile: t.cert, KeyFile: t.key}
	if t.clientCA != "" {
		s.RequireClientAuth = true
		s.ClientCAFiles = []string{t.clientCA}
	}
	return s
}

// splitAddress returns the IP to bind and the port of a listen address; no host means all interfaces.
func splitAddress(address string) (ip string, port int, err error) {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return "", 0, fmt.Errorf("listen address %q: %w", address, err)
	}
	if tcp.IP == nil {
		return "0.0.0.0", tcp.Port, nil
	}
	return tcp.IP.String(), tcp.Port, nil
}

// reachable returns the address to connect to for something that listens on address: loopback instead of "all".
func reachable(address string) string {
	ip, port, err := splitAddress(address)
	if err != nil {
		return address
	}
	if net.ParseIP(ip).IsUnspecified() {
		ip = "127.0.0.1"
	}
	return net.JoinHostPort(ip, strconv.Itoa(port))
}
