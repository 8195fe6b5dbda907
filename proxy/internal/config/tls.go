package config

// TLS makes connections encrypted. Empty, it trusts the authorities of the system.
type TLS struct {
	CA         string `yaml:"ca" json:"ca,omitempty" jsonschema:"description=PEM file with the authorities that the server's certificate may be from; default: those of the system"`
	Cert       string `yaml:"cert" json:"cert,omitempty" jsonschema:"description=PEM file with the certificate to show when the server asks for one; read again with each connection"`
	Key        string `yaml:"key" json:"key,omitempty" jsonschema:"description=PEM file with its private key"`
	ServerName string `yaml:"server_name" json:"server_name,omitempty" jsonschema:"description=Name that the server's certificate must be for; default: the host of its address"`
}

func checkTLS(d *document, path string, t *TLS) {
	if t != nil && (t.Cert == "") != (t.Key == "") {
		d.addf(path, "has only one of cert and key; give both, or none when the server asks for no certificate")
	}
}
