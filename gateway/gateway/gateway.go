package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/gateway/broker"
	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/feedback"
	"piway/gateway/forward"
	"piway/gateway/intake"
	"piway/gateway/names"
	"piway/gateway/queue"
	"piway/gateway/settings"
	"piway/gateway/twins"
	"piway/gateway/uplink"
	"piway/shared/clock"
	"piway/shared/config"
	"piway/shared/pki"
	"piway/shared/sample"
	"piway/shared/tell"
)

// A Gateway is all stages, wired.
type Gateway struct {
	log     *slog.Logger
	teller  *tell.Teller
	lock    *os.File
	now     func() intake.Moment
	devices *devices.List
	// authority is what devices know the gateway by, addresses where they reach it, HOST:PORT.
	authority *pki.Authority
	addresses func() []string
	hosts     func() []string // that its certificate is made out to
	announced bool            // on the local network, by mDNS
	listenTLS string          // as configured
	cloud     string          // what it sends to, for people
	naming    sync.RWMutex    // held shared from judging a message until it is in the queue, alone while devices change
	gone      []string        // of which the start found names in the store, and which are not on the list
	names     names.Names
	queue     *queue.Queue
	intake    *intake.Intake
	broker    *broker.Broker
	twins     twins.Watch
	uplink    *uplink.Uplink
	forward   *forward.Forwarder
	// feedback is nil where none is wanted.
	feedback *feedback.Listener
	control  *control.Server
	watch    *watch
}

// Open opens every stage. After an error nothing stays open; else call Run, or Close.
func Open(ctx context.Context, cfg settings.Config, log *slog.Logger) (_ *Gateway, err error) {
	g := &Gateway{
		names: cfg.Naming(), log: withJournal(log), teller: tell.New(log), now: newClocks(&cfg.Intake).now,
		cloud: cfg.CloudName(),
	}
	defer func() {
		if err != nil {
			g.Close(ctx)
		}
	}()
	link, err := uplinkConfig(&cfg, log)
	if err != nil {
		return nil, err
	}
	if err := tellClock(&cfg.Intake, log); err != nil {
		return nil, err
	}
	if g.lock, err = datadir.Lock(cfg.Data.Dir); err != nil {
		return nil, err
	}
	warn(&cfg, log)
	if err := g.openPairing(&cfg); err != nil {
		return nil, datadir.OnDisk(config.PermitData(err, cfg.Data.Dir))
	}
	if g.queue, err = queue.Open(ctx, queue.Config{
		Path: datadir.Queue(cfg.Data.Dir), Window: cfg.Rollup.Window, Grace: cfg.Rollup.Grace,
		CommitInterval: cfg.Queue.CommitInterval, Linger: cfg.Rollup.Linger(), MaxBytes: int64(cfg.Queue.MaxBytes),
		MaxAge: min(cfg.Queue.MaxAge, forward.MaxAge), ThinAfter: cfg.Queue.ThinAfter, ClockRight: g.clockRight,
		Ballast: ballast, Now: clock.Now,
		SinceBoot: clock.SinceBoot, BootID: clock.BootID(), Date: g.date, Log: log.With("part", "queue"),
	}); err != nil {
		return nil, datadir.OnDisk(config.PermitData(err, cfg.Data.Dir))
	}
	if g.intake, err = g.openIntake(ctx, &cfg); err != nil {
		return nil, datadir.OnDisk(err)
	}
	if g.broker, err = broker.Open(ctx, broker.Config{
		ListenTLS: cfg.Broker.TLSAddress(), Certificate: g.authority.Certificate, Identify: g.identify,
		Join:   g.newJoining().Serve,
		Listen: cfg.Broker.Listen, Plain: g.devices.Plain, Prefix: cfg.Broker.TopicPrefix, ScriptTopics: cfg.Broker.ScriptTopics,
		MaxConnections: cfg.Broker.MaxConnections, MaxPerAddress: cfg.Broker.MaxConnectionsPerAddress,
		MaxPacket: int(cfg.Broker.MaxPacket), MaxPending: cfg.Broker.MaxPending, Settings: g.boundsOf(&cfg),
		ConnectTimeout: cfg.Broker.ConnectTimeout,
		Authenticate:   g.devices.Authenticate, Handle: g.handle, Log: log.With("part", "broker"),
	}); err != nil {
		return nil, err
	}
	sending := forwardConfig(&cfg, g.queue, log)
	sending.ClockRight = g.clockRight
	g.forward = forward.New(sending)
	g.uplink = uplink.New(link, g.forward)
	if f := feedbackConfig(&cfg, &link); f != nil {
		f.OnFailure, f.OnAnswer, f.Log = g.failed, g.uplink.UseFormer, log.With("part", "feedback")
		f.Away = g.uplink.Away
		g.feedback = feedback.New(*f)
	}
	g.watch = newWatch(log.With("part", "watch"))
	g.watch.queueBeat, g.watch.uplinkBeat, g.watch.status = g.queue.Beat, g.uplink.Beat, g.statusLine
	g.watch.hasDevices, g.watch.silenceAfter = g.devices.AdmitsAny, cfg.Broker.SilenceAfter
	g.control, err = control.Open(ctx, cfg.Data.Dir, g.routes(), log.With("part", "control"))
	return g, datadir.OnDisk(err)
}

// warn tells at the start what is allowed and hardly wanted.
func warn(cfg *settings.Config, log *slog.Logger) {
	if cfg.OnTrial() {
		log.Warn("localcore stands in for AWS: nothing reaches CloudWatch", "try", "sudo -E piway-gateway aws setup")
	}
	for _, path := range openSecrets(cfg.Data.Dir) {
		log.Warn("every user of this machine can read a secret", "file", path, "try", "sudo chmod o= "+path)
	}
}

// ballast is what the write-ahead log may need while a backlog makes room: its limit, and a transaction on top.
const ballast = 8 << 20

// openIntake returns an intake that knows what the queue has kept of its decisions.
func (g *Gateway) openIntake(ctx context.Context, cfg *settings.Config) (*intake.Intake, error) {
	owners, err := g.queue.Owners(ctx)
	if err != nil {
		return nil, err
	}
	for _, device := range owners {
		g.noteGone(device)
	}
	in := intake.New(intake.Config{
		Names: g.names, ClockTolerance: cfg.Intake.ClockTolerance,
		MaxSamples: cfg.Intake.MaxSamples, MaxMetrics: cfg.Intake.MaxMetrics, Window: cfg.Rollup.Window,
		IsDevice: g.devices.Has, Alike: g.devices.Alike, Version: g.devices.Version,
		Now: g.now, Owners: owners, Reserved: reservedNames(cfg.Uplink.Form),
		StaysLocal: staysLocal(cfg),
	})
	if err := g.queue.Metrics(ctx, func(device string, last sample.Sample) {
		g.noteGone(device)
		in.KnowMetric(device, last)
	}); err != nil {
		return nil, err
	}
	return in, g.queue.Boots(ctx, in.KnowBoot)
}

// handle takes a publish from the broker to the queue. done is called with nil when all of it is on disk or counted.
func (g *Gateway) handle(device string, payload []byte, done func(error)) {
	arrived := g.now()
	g.naming.RLock()
	defer g.naming.RUnlock()
	if !g.devices.Admits(device) {
		done(errNoDevice)
		return
	}
	v := g.intake.Judge(device, payload, arrived)
	if v.Undecided {
		g.intake.Failed(&v)
		done(errUndecided)
		return
	}
	if len(v.Refused) > 0 {
		g.tellRefused(&v)
	}
	g.tellIdentity(&v)
	// What is needed until it is answered, which the samples are not.
	kept := intake.Verdict{
		Report: sample.Report{Device: device, Boot: v.Boot}, Booted: v.Booted,
		Claims: v.Claims, Charged: v.Charged, Uses: v.Uses, Wants: v.Wants,
	}
	g.queue.Append(queue.Entry{
		Report: v.Report, Arrived: arrived.Wall, Unsure: !arrived.Right, SinceBoot: arrived.SinceBoot,
		Shift: v.Shift, Booted: v.Booted, Refused: v.Reasons, Claims: v.Claims, Uses: v.Uses,
		LocalCount: v.LocalCount, Twin: g.lookForTwins(&v, arrived),
	}, func(err error) {
		if err == nil {
			g.intake.Kept(&kept)
			g.watch.heard()
		} else {
			g.intake.Failed(&kept)
		}
		if kept.Wants {
			g.broker.Tell(device)
		}
		done(err)
	})
}

// date judges once more what to add to the times of a report's samples, its arrival being right now.
func (g *Gateway) date(r *sample.Report, arrived time.Time) (shift float64) {
	shift, _ = g.intake.Date(r, arrived)
	return shift // 0 where nothing says more
}

// errUndecided ends the connection of a device of which a name is claimed by another one at this very moment.
var errUndecided = errors.New("another device claims a metric name of this one, and its claim is not on disk yet")

// errNoDevice ends a connection that is being closed already.
var errNoDevice = errors.New("the device was removed, revoked or renamed")

// tellRefused answers the device on its rejected topic. Its operator reads the log of the device or of the gateway.
func (g *Gateway) tellRefused(v *intake.Verdict) {
	n, first := v.CountRefused(), v.Refused[0]
	g.teller.Tell(slog.LevelWarn, v.Device+" "+first.Reason, "samples refused",
		"device", v.Device, "samples", n, "reason", first.Reason, "first", first.Error)
	payload, err := sample.Rejection{Run: v.Run, Seq: v.Seq, Refused: v.Refused, More: n - len(v.Refused)}.JSON()
	if err != nil {
		g.log.Error("encoding a refusal failed", "device", v.Device, "err", err)
		return
	}
	g.broker.Reject(v.Device, payload)
}

// Run works until ctx ends or a stage fails. The queue outlives the others: it commits what they still hand it. It ends
// before them only when its store has to be opened anew.
func (g *Gateway) Run(ctx context.Context) error {
	defer g.unlock()
	defer g.teller.Close()
	queueCtx, stopQueue := context.WithCancel(context.WithoutCancel(ctx))
	defer stopQueue()
	var last sync.WaitGroup
	var queueErr error
	queueEnded := make(chan struct{})
	last.Go(func() {
		defer close(queueEnded)
		queueErr = g.queue.Run(queueCtx)
	})

	g.forgetGone(ctx) // before a device of that name can claim anything
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		g.flush(serving) // who is answered now has nothing to send again
		stop()
	})()
	stages, ctx := errgroup.WithContext(serving)
	stages.Go(func() error { return g.broker.Run(ctx) })
	stages.Go(func() error { return g.uplink.Run(ctx) })
	if g.feedback != nil {
		stages.Go(func() error { return g.feedback.Run(ctx) })
	}
	stages.Go(func() error { return g.announce(ctx) })
	stages.Go(func() error { return g.control.Run(ctx) })
	stages.Go(func() error { return g.watch.Run(ctx) })
	stages.Go(func() error { return keepDevices(ctx, g.keepDevices, g.log.With("part", "devices")) })
	stages.Go(func() error { return keepCertificate(ctx, g.keepCertificate, g.log.With("part", "pki")) })
	stages.Go(func() error {
		select {
		case <-queueEnded:
			return errQueueEnded
		case <-ctx.Done():
			return nil
		}
	})
	g.tellReady()
	err := stages.Wait()
	stopQueue()
	last.Wait()
	if errors.Is(err, errQueueEnded) {
		return datadir.OnDisk(queueErr)
	}
	return errors.Join(err, datadir.OnDisk(queueErr))
}

// flush has what waits for company committed, as far as that goes quickly.
func (g *Gateway) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = g.queue.Flush(ctx) // the queue tells what it cannot write
}

// errQueueEnded stops the stages; the queue's own error says why.
var errQueueEnded = errors.New("the queue ended")

// Close releases what Open acquired, of a gateway that is not to Run.
func (g *Gateway) Close(ctx context.Context) {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if g.broker != nil {
		_ = g.broker.Run(ended) // it never served
	}
	if g.queue != nil {
		_ = g.queue.Run(ended) // nothing was appended
	}
	g.unlock()
}

func (g *Gateway) unlock() {
	if g.lock != nil {
		_ = g.lock.Close() // frees the lock
	}
}

// routes is what the command line may ask of a running gateway.
func (g *Gateway) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ledger", func(w http.ResponseWriter, r *http.Request) {
		g.flush(r.Context())
		accounts, err := g.queue.Ledger(r.Context())
		answer(w, accounts, err)
	})
	mux.HandleFunc("GET /healthz", g.healthz)
	mux.HandleFunc("GET /backlog", func(w http.ResponseWriter, r *http.Request) {
		b, err := g.forward.Backlog(r.Context())
		answer(w, b, err)
	})
	mux.HandleFunc("GET /twins", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, g.twins.Pairs(g.now().SinceBoot), nil)
	})
	g.deviceRoutes(mux)
	return mux
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	control.Reply(w, v)
}
