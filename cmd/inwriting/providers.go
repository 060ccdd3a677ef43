package main

import (
	"fmt"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"inwriting/config/provider"
)

// providerTopics are help texts: "inwriting help google".
func providerTopics() []*cobra.Command {
	var list []string
	var out []*cobra.Command
	for _, p := range provider.Table() {
		list = append(list, fmt.Sprintf("  %-14s %s", p.ID, p.Name))
		out = append(out, &cobra.Command{Use: p.ID, Short: "How to connect " + p.Name, Long: providerText(p), Hidden: true})
	}
	sort.Strings(list)
	return append(out, &cobra.Command{Use: "providers", Short: "Which mail providers are known, and what they want",
		Long: "These providers are known from an address alone; \"inwriting help NAME\" tells what\neach wants. For any other, \"inwriting mailbox add ADDRESS --discover\" looks for the\nserver, and --server names it.\n\n" + strings.Join(list, "\n")})
}

func providerText(p provider.Provider) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", p.Name)
	if p.Server != "" {
		fmt.Fprintf(&b, "Server   %s", p.Server)
		if p.OwnServer != "" {
			fmt.Fprintf(&b, ", or for a domain of your own %s", p.OwnServer)
		}
		fmt.Fprintf(&b, "\nWants    %s\n", p.Secret)
	}
	fmt.Fprintf(&b, "Page     %s\n\n", p.Page)
	for i, s := range p.Steps {
		fmt.Fprintln(&b, wrap(fmt.Sprintf("%d. %s", i+1, s), 80, "", "   "))
	}
	if p.ID == "google" {
		b.WriteString("\n" + wrap("With a sign-in project of your own instead of an app password: make a project and an OAuth client of the type Desktop app (https://console.cloud.google.com/auth/clients), switch the Gmail API on, publish the project (in testing its sign-ins end after 7 days), then: inwriting mailbox add ADDRESS --oauth google --oauth-client ID --client-secret-file FILE", 80, "", "") + "\n")
	}
	if len(p.Refusals) > 0 {
		b.WriteString("\nWhen it refuses:\n")
		for _, r := range p.Refusals {
			fmt.Fprintln(&b, wrap(fmt.Sprintf("%q: %s: %s", r.Words[0], r.Advice, r.Page), 80, "  ", "    "))
		}
	}
	return b.String()
}
