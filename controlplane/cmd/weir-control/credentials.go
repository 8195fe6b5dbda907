package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/controlplane"
	"github.com/weirproxy/weir/controlplane/client"
)

const (
	envURL          = "WEIR_CONTROL_URL"
	envToken        = "WEIR_CONTROL_TOKEN"
	envSidecarToken = "WEIR_SIDECAR_TOKEN"
)

// credentials are the flags that say which token to use.
type credentials struct{ token, tokenFile string }

// secret is the token: the flag, else the file, else the environment; empty when there is none.
func (c *credentials) secret() (string, error) {
	if c.token != "" {
		return c.token, nil
	}
	return secretFrom(c.tokenFile, envToken)
}

func secretFrom(file, env string) (string, error) {
	if file == "" {
		return strings.TrimSpace(os.Getenv(env)), nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	secret := strings.TrimSpace(string(b))
	if secret == "" {
		return "", fmt.Errorf("token file %s is empty: write a token into it, for instance with `openssl rand -hex 32`", file)
	}
	return secret, nil
}

// remote are the flags of commands that talk to a server.
type remote struct {
	*credentials
	server string
	output string
}

func (r *remote) flags(cmd *cobra.Command, outputs string) {
	cmd.Flags().StringVar(&r.server, "server", "", "URL of weir-control (default $"+envURL+", else http://"+controlplane.DefaultListen+")")
	if outputs != "" {
		cmd.Flags().StringVarP(&r.output, "output", "o", "text", "how to print: "+outputs)
	}
}

// client makes a client of the API.
func (r *remote) client() (*client.Client, error) {
	if r.output != "" && r.output != "text" && r.output != "json" {
		return nil, fmt.Errorf("--output %q is neither text nor json", r.output)
	}
	secret, err := r.secret()
	if err != nil {
		return nil, failure{err}
	}
	if secret == "" {
		return nil, errors.New("no token: set " + envToken + " or --token-file")
	}
	server := r.server
	if server == "" {
		server = os.Getenv(envURL)
	}
	if server == "" {
		server = "http://" + controlplane.DefaultListen
	}
	actor := ""
	if u, err := user.Current(); err == nil {
		actor = u.Username
	}
	return client.New(client.Config{URL: server, Token: secret, Actor: actor})
}
