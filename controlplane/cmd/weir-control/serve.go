package main

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"

	"github.com/weirproxy/weir/controlplane"
)

// serveConfig is the file of serve; each key is also a flag.
type serveConfig struct {
	Listen           string `yaml:"listen"`
	Data             string `yaml:"data"`
	TokenFile        string `yaml:"token-file"`
	SidecarTokenFile string `yaml:"sidecar-token-file"`
	SigningKeyFile   string `yaml:"signing-key-file"`
	TLSCert          string `yaml:"tls-cert"`
	TLSKey           string `yaml:"tls-key"`
	LogLevel         string `yaml:"log-level"`
	LogFormat        string `yaml:"log-format"`
}

func newServe(c *credentials) *cobra.Command {
	var path string
	given := new(serveConfig)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server: sidecars follow it, people use its API. State lives in the data folder.

The admin token may do everything, also follow as a sidecar; give sidecars a token of their own with --sidecar-token-file or WEIR_SIDECAR_TOKEN.
The file given with -c has the flags' names as keys; a flag beats the file.`,
		Example: `  weir-control serve --data /var/lib/weir-control --token-file /etc/weir/admin.token
  weir-control serve -c control.yaml --listen 0.0.0.0:9470 --tls-cert cert.pem --tls-key key.pem

  # control.yaml
  listen: 127.0.0.1:9470
  data: /var/lib/weir-control
  token-file: /etc/weir/admin.token
  sidecar-token-file: /etc/weir/sidecar.token`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := given.merged(path, cmd.Flags())
			if err != nil {
				return err
			}
			return serve(cmd, cfg, c)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&path, "config", "c", "", "configuration file (YAML)")
	f.StringVar(&given.Listen, "listen", controlplane.DefaultListen, "HOST:PORT to listen on")
	f.StringVar(&given.Data, "data", "weir-control-data", "folder of the state, made when missing")
	f.StringVar(&given.SidecarTokenFile, "sidecar-token-file", "", "file with the token that sidecars use")
	f.StringVar(&given.SigningKeyFile, "signing-key-file", "", "file with the Ed25519 private key (PEM) that signs configurations; to make one: openssl genpkey -algorithm ed25519")
	f.StringVar(&given.TLSCert, "tls-cert", "", "certificate (PEM); without one the server speaks plain HTTP")
	f.StringVar(&given.TLSKey, "tls-key", "", "key of the certificate (PEM)")
	f.StringVar(&given.LogLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&given.LogFormat, "log-format", "text", "text or json")
	return cmd
}

// merged lays the flags that were set over the file, and the flags' defaults under it.
func (g *serveConfig) merged(path string, flags *pflag.FlagSet) (*serveConfig, error) {
	out := *g
	if path == "" {
		return &out, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalWithOptions(b, &out, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s:\n%s\n  cure: the keys are those of the flags, see: weir-control serve --help", path, yaml.FormatError(err, false, true))
	}
	for name, field := range map[string][2]*string{
		"listen": {&g.Listen, &out.Listen}, "data": {&g.Data, &out.Data}, "sidecar-token-file": {&g.SidecarTokenFile, &out.SidecarTokenFile},
		"signing-key-file": {&g.SigningKeyFile, &out.SigningKeyFile}, "tls-cert": {&g.TLSCert, &out.TLSCert}, "tls-key": {&g.TLSKey, &out.TLSKey},
		"log-level": {&g.LogLevel, &out.LogLevel}, "log-format": {&g.LogFormat, &out.LogFormat},
	} {
		if flags.Changed(name) {
			*field[1] = *field[0]
		}
	}
	return &out, nil
}

func serve(cmd *cobra.Command, given *serveConfig, c *credentials) error {
	log, err := newLogger(cmd, given)
	if err != nil {
		return err
	}
	cfg := controlplane.Config{Listen: given.Listen, Dir: given.Data, Version: version, Logger: log}
	if c.tokenFile == "" {
		c.tokenFile = given.TokenFile
	}
	if cfg.Tokens, err = tokens(c, given); err != nil {
		return err
	}
	if cfg.SigningKey, err = signingKey(given.SigningKeyFile); err != nil {
		return err
	}
	if cfg.TLS, err = tlsConfig(given); err != nil {
		return err
	}
	server, err := controlplane.New(cfg)
	if err != nil {
		return err
	}
	if cfg.SigningKey != nil {
		public, _ := cfg.SigningKey.Public().(ed25519.PublicKey)
		log.Info("configurations are signed", "public_key", base64.StdEncoding.EncodeToString(public))
	}
	if host, _, err := net.SplitHostPort(cfg.Listen); err == nil && cfg.TLS == nil && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		log.Warn("tokens and configurations travel in clear text", "address", cfg.Listen, "cure", "give --tls-cert and --tls-key, or listen on 127.0.0.1")
	}
	if err := server.Run(cmd.Context()); err != nil {
		return failure{err}
	}
	return nil
}

func tokens(c *credentials, given *serveConfig) ([]controlplane.Token, error) {
	admin, err := c.secret()
	if err != nil {
		return nil, err
	}
	if admin == "" {
		return nil, errors.New("no admin token: set " + envToken + " or --token-file; make one with `openssl rand -hex 32`")
	}
	out := []controlplane.Token{{Name: "admin", Role: controlplane.RoleAdmin, Secret: admin}}
	sidecar, err := secretFrom(given.SidecarTokenFile, envSidecarToken)
	if err != nil {
		return nil, err
	}
	if sidecar != "" && sidecar != admin {
		out = append(out, controlplane.Token{Name: "sidecar", Role: controlplane.RoleSidecar, Secret: sidecar})
	}
	return out, nil
}

func signingKey(path string) (ed25519.PrivateKey, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM: make a key with `openssl genpkey -algorithm ed25519`", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a %T: make an Ed25519 key with `openssl genpkey -algorithm ed25519`", path, parsed)
	}
	return key, nil
}

func tlsConfig(given *serveConfig) (*tls.Config, error) {
	if given.TLSCert == "" && given.TLSKey == "" {
		return nil, nil
	}
	if given.TLSCert == "" || given.TLSKey == "" {
		return nil, errors.New("--tls-cert and --tls-key belong together: give both")
	}
	pair, err := tls.LoadX509KeyPair(given.TLSCert, given.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("TLS certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// newLogger writes to the command's error stream.
func newLogger(cmd *cobra.Command, given *serveConfig) (*slog.Logger, error) {
	level, err := zapcore.ParseLevel(given.LogLevel)
	if err != nil {
		return nil, fmt.Errorf("log-level %q: use debug, info, warn or error", given.LogLevel)
	}
	form := zap.NewProductionEncoderConfig()
	form.EncodeTime = zapcore.RFC3339TimeEncoder
	var encoder zapcore.Encoder
	switch given.LogFormat {
	case "text":
		encoder = zapcore.NewConsoleEncoder(form)
	case "json":
		encoder = zapcore.NewJSONEncoder(form)
	default:
		return nil, fmt.Errorf("log-format %q is neither text nor json", given.LogFormat)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(cmd.ErrOrStderr())), level)
	return slog.New(zapslog.NewHandler(core)), nil
}
