package owner_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/proof/world"
	"piway/shared/testlog"
)

// umasks are those that root may have: Debian's, and a careful one's.
var umasks = []string{"022", "077"}

// as runs a program by root with a umask, or by the service's user with that of its unit, and returns what it said.
func (h *house) as(umask, program string, uid uint32, args ...string) string {
	h.t.Helper()
	if uid != 0 {
		umask = "027"
	}
	c := exec.Command("sh", append([]string{"-c", "umask " + umask + `; exec "$0" "$@"`, program}, args...)...)
	c.SysProcAttr, c.Dir = h.command(uid).SysProcAttr, "/"
	c.Env = append(os.Environ(), "SUDO_UID=1000", "SUDO_USER=ann")
	out, err := c.CombinedOutput()
	if err != nil {
		h.t.Errorf("umask %s, user %d: %v: %v\n%s", umask, uid, args, err, out)
	}
	return string(out)
}

// writing are the gateway's commands that write, each good when given twice, by whomever; FILE is a new one each time.
func writing(file string, n int) [][]string {
	name := fmt.Sprintf("n%d", n)
	return [][]string{
		{"invite", "kitchen"},
		{"invite", name, "--token-file", file + ".token"},
		{"device", "add", "p" + name, "--password-file", file + ".password"},
		{"device", "password", "p" + name},
		{"device", "rename", "p" + name, "q" + name},
		{"device", "revoke", "q" + name},
		{"device", "remove", "q" + name},
		{"ca"},
		{"backup", file + ".tar"},
	}
}

// Whoever gives a command first, and with whatever umask: the service reads and writes all that is there, while it runs
// and while it does not.
func TestOwner_everyCommand(t *testing.T) {
	for first, umask := range map[uint32]string{0: umasks[1], serviceUser: umasks[0]} {
		t.Run(fmt.Sprintf("umask %s, user %d first", umask, first), func(t *testing.T) {
			h := newHouse(t)
			h.must(os.Mkdir(h.dir, 0o750)) // as systemd makes it
			h.must(os.Chown(h.dir, serviceUser, serviceUser))
			text, err := os.ReadFile(h.config)
			h.must(err)
			text = []byte(strings.Replace(string(text), "broker: {", "broker: {advertise: ['127.0.0.1:8883'], ", 1))
			h.must(os.WriteFile(h.config, text, 0o644))
			files := filepath.Join(filepath.Dir(h.dir), "files")
			h.must(os.Mkdir(files, 0o777))
			h.must(os.Chmod(files, 0o777))
			n := 0
			all := func(uid uint32) {
				n++
				for _, args := range writing(filepath.Join(files, fmt.Sprint(n)), n) {
					h.as(umask, h.program, uid, append(args, "--config", h.config)...)
				}
				h.allOwned(fmt.Sprintf("all commands by %d", uid))
			}
			all(first)
			all(serviceUser - first)
			h.run(first, func() {
				all(serviceUser - first)
				all(first)
			})
			h.allOwned("the first run")
			h.run(serviceUser, func() { all(0) })
			all(serviceUser)
			h.as(umask, h.program, 0, "check", "--config", h.config)
		})
	}
}

// A configuration that root makes by a command is for the service to read, whatever the umask: by restore, with its
// folder.
func TestOwner_restore(t *testing.T) {
	for _, umask := range umasks {
		t.Run(umask, func(t *testing.T) {
			h := newHouse(t)
			h.must(os.Mkdir(h.dir, 0o750))
			h.must(os.Chown(h.dir, serviceUser, serviceUser))
			h.do(0, "device", "add", "kitchen")
			h.do(0, "ca") // which makes the authority
			top := filepath.Dir(h.dir)
			h.do(0, "backup", filepath.Join(top, "b.tar"))
			h.must(os.RemoveAll(h.dir))
			h.must(os.Mkdir(h.dir, 0o750))
			h.must(os.Chown(h.dir, serviceUser, serviceUser))
			config := filepath.Join(top, "etc", "piway", "gateway.yaml")
			h.as(umask, h.program, 0, "restore", filepath.Join(top, "b.tar"), "--config", config)
			h.config = config
			h.allOwned("restore")
			h.do(serviceUser, "device", "list")
			h.run(serviceUser, func() {})
		})
	}
}

// The agent's configuration, its key and its folder are for its service to read, whoever has joined or run it before.
func TestOwner_agent(t *testing.T) {
	for _, umask := range umasks {
		t.Run(umask, func(t *testing.T) {
			h := newHouse(t)
			h.must(os.Mkdir(h.dir, 0o750))
			h.must(os.Chown(h.dir, serviceUser, serviceUser))
			top := filepath.Dir(h.dir)
			agent := filepath.Join(top, "piway-agent")
			self, err := os.ReadFile(world.Built(t).Agent)
			h.must(err)
			h.must(os.WriteFile(agent, self, 0o755))
			spool := filepath.Join(top, "spool")
			h.must(os.Mkdir(spool, 0o700)) // as systemd makes it
			h.must(os.Chown(spool, serviceUser, serviceUser))
			etc := filepath.Join(top, "etc", "piway")
			config := filepath.Join(etc, "agent.yaml")
			gateway := world.Gateway(h.program, h.config, nil)
			gateway.User = serviceUser
			world.Run(t, gateway)
			// Nothing is there but a folder for the data that is not the usual one.
			h.as(umask, "/bin/sh", 0, "-c", "mkdir -p "+etc+" && chmod 755 "+filepath.Dir(etc)+" "+etc+
				" && printf 'spool: {dir: "+spool+"}\ncollect: {folder: \"\"}\n' > "+config+" && chmod 644 "+config)
			line := h.as(umask, h.program, 0, "invite", "kitchen", "--config", h.config)
			word := strings.Fields(strings.SplitN(line, "\n", 2)[0])
			h.as(umask, agent, 0, "join", word[len(word)-1], "--config", config)
			h.ownedBelow(spool, "join")
			h.as(umask, agent, 0, "check", "--config", config)
			h.as(umask, agent, 0, "once", "--config", config)
			h.ownedBelow(spool, "check and once")
			for _, uid := range []uint32{0, serviceUser, 0, serviceUser} { // by hand, and as the service
				said := new(testlog.Log)
				p := &world.Process{
					Path: agent, Args: []string{"run", "--config", config}, Ready: "gateway connected", Log: said, User: uid,
				}
				world.Run(t, p)
				// Two on one folder would lose what one of them forgets: the second is told who has it.
				two := exec.Command(agent, "run", "--config", config)
				two.SysProcAttr = h.command(serviceUser - uid).SysProcAttr
				timer := time.AfterFunc(time.Minute, func() { _ = two.Process.Kill() })
				out, err := two.CombinedOutput()
				timer.Stop()
				if want := fmt.Sprintf("another piway-agent uses it, and each needs a folder of its own, process %d", p.PID()); err == nil ||
					!strings.Contains(string(out), want) {
					t.Errorf("a second agent: got %v, %s, want %q", err, out, want)
				}
				if err := p.Stop(); err != nil {
					t.Errorf("%d: %v\n%s", uid, err, said)
				}
				h.ownedBelow(spool, fmt.Sprintf("run by %d", uid))
			}
		})
	}
}

// What is kept while the gateway is away is the service's too, when root has run the agent by hand meanwhile.
func TestOwner_agentKeeps(t *testing.T) {
	h := newHouse(t)
	top := filepath.Dir(h.dir)
	agent := filepath.Join(top, "piway-agent")
	self, err := os.ReadFile(world.Built(t).Agent)
	h.must(err)
	h.must(os.WriteFile(agent, self, 0o755))
	spool := filepath.Join(top, "spool")
	h.must(os.Mkdir(spool, 0o700))
	h.must(os.Chown(spool, serviceUser, serviceUser))
	config := filepath.Join(top, "agent.yaml")
	h.must(os.WriteFile(config, []byte("spool: {dir: "+spool+", after: 0s}\ncollect: {folder: '', interval: 200ms}\n"+
		"gateway: {address: '127.0.0.1:1'}\n"), 0o644))
	for _, uid := range []uint32{0, serviceUser} {
		p := &world.Process{
			Path: agent, Args: []string{"run", "--config", config}, Ready: "readings go to the disk", User: uid,
		}
		world.Run(t, p)
		if uid != 0 && p.Count("an earlier run left readings") == 0 {
			t.Error("what root has kept is not taken up")
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		h.ownedBelow(spool, fmt.Sprintf("run by %d", uid))
	}
}
