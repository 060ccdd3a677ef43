package trail

import (
	"strings"
	"time"
)

// Party is a configured client: who they are and where they write from.
type Party struct {
	Name      string
	Addresses []string // whole addresses
	Domains   []string // every address below them

	// Authority says who speaks for a client, and when; none: everybody who writes
	// for it.
	Authority []Authority
}

// Authority is one person's right to give and change a client's instructions, from
// one day to another, both included; "" leaves that end open.
type Authority struct {
	Address  string
	From, To string // as "2023-03-14"
}

// People says who stands where. The zero value knows nobody.
type People struct {
	Us      []string // our addresses
	Clients []Party
	Others  []Party // configured third parties
}

// Role returns the side an address stands on, and the party's name where one is
// configured. Case is ignored. What is not configured is Unknown.
func (p People) Role(address string) (Role, string) {
	address = strings.ToLower(strings.TrimSpace(address))
	if address == "" {
		return Unknown, ""
	}
	for _, a := range p.Us {
		if strings.EqualFold(a, address) {
			return Us, ""
		}
	}
	for _, c := range p.Clients {
		if c.has(address) {
			return Client, c.Name
		}
	}
	for _, c := range p.Others {
		if c.has(address) {
			return Other, c.Name
		}
	}
	return Unknown, ""
}

// Speaks reports whether an address might give and change instructions on a day, as
// far as it is somebody's at all.
func (p People) Speaks(address string, at time.Time) bool {
	for _, c := range p.Clients {
		if len(c.Authority) == 0 || !c.has(strings.ToLower(strings.TrimSpace(address))) {
			continue
		}
		day := at.Format(time.DateOnly)
		for _, a := range c.Authority {
			if strings.EqualFold(a.Address, address) && a.From <= day && (a.To == "" || day <= a.To) {
				return true
			}
		}
		return false
	}
	return true
}

func (c Party) has(address string) bool {
	for _, a := range c.Addresses {
		if strings.EqualFold(a, address) {
			return true
		}
	}
	_, domain, _ := strings.Cut(address, "@")
	for _, d := range c.Domains {
		d = strings.ToLower(strings.TrimPrefix(d, "@"))
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return true
		}
	}
	return false
}
