package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// tellSystemd returns what sends states to the service manager (sd_notify); nil
// where there is none.
func tellSystemd(socket string) func(state string) {
	if socket == "" {
		return nil
	}
	if socket[0] == '@' {
		socket = "\x00" + socket[1:] // of the abstract kind
	}
	return func(state string) {
		c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = c.Write([]byte(state))
	}
}

// keepTelling tells the service manager that the daemon is ready, keeps its watchdog
// quiet for as long as the record answers and can be stored to, and reads the
// configuration again when it is asked to.
func (s *service) keepTelling(ctx context.Context, o serveOptions) {
	tell := o.tell
	if tell == nil {
		tell = func(string) {}
	}
	ready := func() {
		messages, _, err := s.totals()
		if err == nil {
			tell("READY=1\nSTATUS=" + plural(messages, "message", "messages") + " kept")
		}
	}
	ready()
	var beat <-chan time.Time
	if o.watchdog > 0 && o.tell != nil {
		t := time.NewTicker(o.watchdog / 3)
		defer t.Stop()
		beat = t.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat:
			if err := s.healthy(ctx); err == nil {
				tell("WATCHDOG=1")
			} else if ctx.Err() == nil {
				s.log.Error("not healthy", "err", err)
				tell("STATUS=" + strings.ReplaceAll(err.Error(), "\n", " "))
			}
		case <-o.hup:
			tell(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic()))
			if err := s.reload(o.app); err != nil {
				s.log.Error("reading the configuration again", "err", err)
				fmt.Fprintf(o.app.err, "inwriting: %v\n", err)
			} else {
				fmt.Fprintln(o.app.err, "inwriting: the configuration was read again")
			}
			ready()
		}
	}
}

// printUnit prints a unit for systemd that gives the daemon what it needs and
// nothing more.
func (a *app) printUnit() error {
	cfg, dir, err := a.place()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	file := cfg.File()
	if file == "" {
		if file, err = a.configPath(); err != nil {
			return err
		}
	}
	if file, err = filepath.Abs(file); err != nil {
		return err
	}
	// The pages write mailboxes into the configuration's folder.
	_, err = fmt.Fprintf(a.out, unitText, unitWord(self), unitWord(file), unitWord(dir), unitWord(dir), unitWord(filepath.Dir(file)))
	return err
}

// unitWord quotes a word for a unit file (systemd.syntax(7)).
func unitWord(s string) string {
	s = strings.ReplaceAll(s, "%", "%%")
	if strings.ContainsAny(s, " \t\"'\\") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return s
}

const unitText = `[Unit]
Description=inwriting: the written record of who instructed what
Documentation=man:inwriting-serve(1)
Wants=network-online.target
After=network-online.target

[Service]
Type=notify-reload
ExecStart=%s serve --config %s --data %s
Restart=on-failure
RestartSec=10
WatchdogSec=2min
TimeoutStopSec=60
UMask=0077

# It reads mail over the network and writes its own folders; that is all.
ReadWritePaths=-%s -%s
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
NoNewPrivileges=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources

[Install]
WantedBy=default.target
`

func (s *service) ledgerSize() (n int64) {
	_ = s.vault.Stores(func(_ *archive.Archive, l *ledger.Ledger, _ *catalog.Catalog, _ *textindex.Index) error {
		n = l.Size()
		return nil
	})
	return n
}
