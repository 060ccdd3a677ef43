package main

import (
	"fmt"
	"slices"
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
	if p.OAuth != "" {
		b.WriteString("\nSigning in with a token, with an application of your own:\n")
		more := ""
		if p.OAuth == "google" {
			more = " --client-secret-file FILE"
		}
		for i, s := range append(slices.Clone(p.Application), fmt.Sprintf("inwriting mailbox add ADDRESS --oauth %s --oauth-client ID%s, or the page Mailboxes of a running daemon.", p.OAuth, more)) {
			fmt.Fprintln(&b, wrap(fmt.Sprintf("%d. %s", i+1, s), 80, "", "   "))
		}
	}
	if len(p.Refusals) > 0 {
		b.WriteString("\nWhen it refuses:\n")
		for _, r := range p.Refusals {
			fmt.Fprintln(&b, wrap(fmt.Sprintf("%q: %s: %s", r.Words[0], r.Advice, r.Page), 80, "  ", "    "))
		}
	}
	return b.String()
}
