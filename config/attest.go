package config

import (
	"fmt"
	"net/url"
	"strings"
)

// Timestamp is an authority that puts an outside time on the ledger: [[timestamp]].
// It is sent a hash and nothing else.
type Timestamp struct {
	// Name is a short name for it, of a-z, 0-9 and "-".
	Name string `toml:"name"`
	// URL is where it takes RFC 3161 requests.
	URL string `toml:"url"`
	// Roots is a PEM file with the certificates that its own must rest on. Empty
	// means those that the system trusts. A relative path starts at the folder of
	// the configuration file.
	Roots string `toml:"roots"`
}

// RootsFile returns where t's roots lie; "" when the file does not set them.
func (c *Config) RootsFile(t Timestamp) string { return c.resolve(t.Roots) }

func (c *Config) checkTimestamps(say func(path, message, hint string)) {
	names := map[string]bool{}
	for i, t := range c.Timestamps {
		path := fmt.Sprintf("timestamp[%d]", i)
		if t.Name == "" || len(t.Name) > 40 || strings.Trim(t.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || t.Name[0] == '-' {
			say(path+".name", fmt.Sprintf("timestamp: %q is not a name for files", t.Name), `small letters, digits and hyphens, as in "digitime"`)
		}
		if names[t.Name] {
			say(path+".name", fmt.Sprintf("timestamp: there are two of the name %q", t.Name), "")
		}
		names[t.Name] = true
		u, err := url.Parse(t.URL)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			say(path+".url", fmt.Sprintf("url: %q is not where requests can be sent", t.URL), `it begins with https:// or http://; the answer is signed, so both do`)
		}
	}
}
