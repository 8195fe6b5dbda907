package config

import "fmt"

// KafkaSASL is who signs in to Kafka. User and password each come from exactly one of their two sources.
type KafkaSASL struct {
	Mechanism    string `yaml:"mechanism" json:"mechanism,omitempty" jsonschema:"enum=PLAIN,enum=SCRAM-SHA-256,enum=SCRAM-SHA-512,description=PLAIN sends the password as it is; use it with kafka_tls only"`
	Username     string `yaml:"username" json:"username,omitempty" jsonschema:"description=${NAME} takes it from the environment"`
	UsernameFile string `yaml:"username_file" json:"username_file,omitempty" jsonschema:"description=File with the user's name; read again with each connection"`
	Password     string `yaml:"password" json:"password,omitempty" jsonschema:"description=${NAME} takes it from the environment"`
	PasswordFile string `yaml:"password_file" json:"password_file,omitempty" jsonschema:"description=File with the password; read again with each connection"`
}

// compileKafka checks how brokers are reached, and takes secrets from the environment.
func compileKafka(d *document, s *Static, f *File, env Env) {
	for i, a := range f.Kafka {
		checkAddress(d, fmt.Sprintf("kafka[%d]", i), a)
	}
	unused := len(f.Kafka) == 0 && len(f.Invalidation.Kafka) == 0
	for _, k := range []struct {
		path string
		set  bool
	}{{"kafka_tls", f.KafkaTLS != nil}, {"kafka_sasl", f.KafkaSASL != nil}} {
		if unused && k.set {
			d.addf(k.path, "has no use without kafka; give the brokers' HOST:PORT there, or remove the key")
		}
	}
	checkTLS(d, "kafka_tls", f.KafkaTLS)
	if f.KafkaSASL == nil {
		return
	}
	user := *f.KafkaSASL
	oneOf(d, "kafka_sasl.mechanism", user.Mechanism, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
	if (user.Username == "") == (user.UsernameFile == "") {
		d.addf("kafka_sasl", "has none or both of username and username_file; give one")
	}
	if (user.Password == "") == (user.PasswordFile == "") {
		d.addf("kafka_sasl", "has none or both of password and password_file; give one")
	}
	user.Username = secret(d, env, "kafka_sasl.username", user.Username)
	user.Password = secret(d, env, "kafka_sasl.password", user.Password)
	s.File.KafkaSASL = &user
}
