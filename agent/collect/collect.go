package collect

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"piway/agent/collect/host"
	"piway/agent/collect/mounts"
	"piway/agent/collect/network"
	"piway/agent/collect/power"
	"piway/agent/collect/reading"
	"piway/agent/collect/storage"
	"piway/agent/collect/thermal"
	"piway/shared/sample"
)

const (
	// patience is how long one sensor may take before the others go on without it.
	patience = 5 * time.Second
	// localEvery is how often the local sensors are read at most: none of them tells more when asked more often, because
	// counters are sent as amounts, and the cloud's finest window is a minute.
	localEvery = time.Minute
	// early is by how much a beat may come before its minute is full.
	early = time.Second
	// maxLocal is the most local samples of one reading, so that no machine's report is too large to be taken.
	maxLocal = 100
)

// Options say what to read.
type Options struct {
	// Disks are mount points; each gives "disk usage PATH".
	Disks []string
	// State is a folder in which is remembered where disks were mounted; it is made if need be. Empty: nothing is.
	State string
	// CPU, Temperature and Memory switch the other metrics on.
	CPU, Temperature, Memory bool
	// Health switches the local readings on: all that stay on the LAN unless the gateway is told otherwise.
	Health bool
	// Log is told when a sensor breaks, changes its complaint, or works again. It may be nil.
	Log *slog.Logger

	statfs func(path string) (mounts.Space, error)     // of tests
	units  func(ctx context.Context) ([]string, error) // of tests
}

// A Reading is one value that a sensor gave, or the reason why it gave none.
type Reading struct {
	sample.Sample // of a sensor that gave nothing only the name

	// Local is a reading that stays on the LAN unless the gateway is told otherwise.
	Local bool
	// Remark says of what the value is, if it may be taken for something else.
	Remark string
	// Err is ErrAbsent if the machine has no such sensor, ErrEarly if it needs a second reading, else what went wrong.
	Err error
}

// Reasons for a missing value that are no faults.
var (
	ErrAbsent = host.ErrAbsent
	ErrEarly  = reading.ErrEarly
)

// A Collector reads a fixed set of sensors. It is not safe for concurrent use.
type Collector struct {
	sensors []*sensor
	disks   []*mounts.Disk
	log     *slog.Logger

	localRead time.Time    // when the local sensors were read last
	power     *power.Watch // nil without local sensors
	units     *units       // the same
}

// New returns a collector; it reads nothing yet. What counts or compares, such as the CPU's usage, gives nothing at the
// first reading, which only begins its interval.
func New(opt Options) *Collector {
	c := &Collector{log: opt.Log}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	known := mounts.NewKnown(opt.State, c.log)
	for _, path := range opt.Disks {
		d := mounts.NewDisk(path, known)
		c.add("disk usage "+path, "Percent", d.Read)
		c.disks = append(c.disks, d)
	}
	if opt.CPU {
		c.add("cpu usage", "Percent", new(cpuUsage).read)
	}
	if opt.Temperature {
		c.add("cpu temperature", "None", thermal.CPU)
	}
	if opt.Memory {
		c.add("memory usage", "Megabytes", memoryUsage)
	}
	if opt.Health {
		c.addHealth(opt)
	}
	return c
}

// addHealth adds the local sensors: a name for the log, and what reads them. The table has what they give.
func (c *Collector) addHealth(opt Options) {
	c.power, c.units = power.New(), newUnits(opt.units)
	c.addLocal("identity", new(identity).read)
	c.addLocal("boot reason", new(bootReason).read)
	c.addLocal("watchdog", watchdogArmed)
	c.addLocal("failed units", c.units.read)
	c.addLocal("power", c.power.Read)
	c.addLocal("uptime", upTime)
	c.addLocal("clock synchronised", clockSynced)
	c.addLocal("load", loads)
	c.addLocal("swap usage", swapUsage)
	c.addLocal("pressure", new(pressure).read)
	c.addLocal("cpu clock", cpuClock)
	c.addLocal("fan", fans)
	c.addLocal("disk usage", mounts.NewVolumes(opt.Disks, opt.statfs).Read)
	c.addLocal("disk", new(storage.IO).Read)
	c.addLocal("storage", new(storage.Ext4).Read)
	c.addLocal("root", mounts.RootReadOnly)
	c.addLocal("emmc", storage.EMMCWear)
	c.addLocal("card", storage.Card)
	c.addLocal("network", new(network.Traffic).Read)
	c.addLocal("wifi signal", network.WifiSignals)
	c.addLocal("agent", new(own).read)
}

// Watch sees what comes and goes between two readings, until ctx ends; then it closes what readings have left open.
// Without it the readings see only themselves. It sleeps until there is something to see.
func (c *Collector) Watch(ctx context.Context) {
	if c.power == nil {
		return
	}
	defer c.units.manager.Close()
	c.power.Run(ctx)
}

// add adds a sensor of one metric that goes to the cloud.
func (c *Collector) add(name, unit string, read func(context.Context) (float64, error)) {
	c.sensors = append(c.sensors, &sensor{name: name, read: func(ctx context.Context, out *reading.Found) error {
		value, err := read(ctx)
		if err != nil {
			return err
		}
		out.Add(name, unit, value)
		return nil
	}})
}

// addLocal adds a sensor whose metrics stay on the LAN. Name is for the log.
func (c *Collector) addLocal(name string, read reading.Source) {
	c.sensors = append(c.sensors, &sensor{name: name, local: true, read: read})
}

// Collect reads the sensors and returns the values that there are, rounded to two decimals, with the time of reading:
// those for the cloud, and once a minute those that stay on the LAN. Why others are missing goes to the log, once per
// change.
func (c *Collector) Collect(ctx context.Context) (cloud, local []sample.Sample) {
	due, withLocal := c.due()
	left := 0
	for i, f := range gather(ctx, due) {
		s := due[i]
		s.note(c.log, f.Err)
		if f.Attributes != nil {
			s.attributes = f.Attributes
		}
		if !s.local {
			cloud = append(cloud, f.Samples...)
			continue
		}
		room := min(len(f.Samples), maxLocal-len(local))
		local = append(local, f.Samples[:room]...)
		left += f.Left + len(f.Samples) - room
	}
	if withLocal {
		local = append(local, reading.NewSample(leftOut, "Count", float64(left)))
	}
	return cloud, local
}

// leftOut counts the local samples of a reading that were not sent: beyond a bound, or without a name or value that
// CloudWatch takes.
const leftOut = "readings left out"

// due returns the sensors whose turn it is, and whether the local ones are among them.
func (c *Collector) due() ([]*sensor, bool) {
	now := time.Now() // not the wall clock: nobody can set it
	withLocal := c.localRead.IsZero() || now.Sub(c.localRead) >= localEvery-early
	due := make([]*sensor, 0, len(c.sensors))
	found := false
	for _, s := range c.sensors {
		if !s.local || withLocal {
			due = append(due, s)
			found = found || s.local
		}
	}
	if found {
		c.localRead = now
	}
	return due, found
}

// Attributes returns what the machine said of itself when it was read last, such as its model.
func (c *Collector) Attributes() map[string]string {
	all := map[string]string{}
	for _, s := range c.sensors {
		maps.Copy(all, s.attributes)
	}
	return all
}

// Prime begins the intervals of the sensors for the cloud, such as the one over which the CPU's usage is measured.
func (c *Collector) Prime(ctx context.Context) {
	gather(ctx, slices.DeleteFunc(slices.Clone(c.sensors), func(s *sensor) bool { return s.local }))
}

// Read reads every sensor once, the local ones too, and returns what each gave. It returns within 5 s, or when ctx
// ends.
func (c *Collector) Read(ctx context.Context) []Reading {
	var readings []Reading
	for i, f := range gather(ctx, c.sensors) {
		s := c.sensors[i]
		for _, v := range f.Samples {
			readings = append(readings, Reading{Sample: v, Local: s.local})
		}
		if f.Err != nil {
			readings = append(readings, Reading{Sample: sample.Sample{Name: s.name}, Local: s.local, Err: f.Err})
		}
		if f.Attributes != nil {
			s.attributes = f.Attributes
		}
	}
	c.remark(readings)
	return readings
}

// remark adds to the values of disks of what they are.
func (c *Collector) remark(readings []Reading) {
	for i, r := range readings {
		for _, d := range c.disks {
			if r.Err == nil && !r.Local && r.Name == "disk usage "+d.Path {
				readings[i].Remark = d.Remark()
			}
		}
	}
}

// gather reads all of the sensors at once, and returns what each gave.
func gather(ctx context.Context, sensors []*sensor) []reading.Found {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, s := range sensors {
		s.Start(ctx, func(ctx context.Context) reading.Found { return reading.Guarded(ctx, s.read) })
	}
	all := make([]reading.Found, len(sensors))
	for i, s := range sensors {
		f, ok := s.Wait(ctx)
		if !ok {
			f.Err = reading.ErrHangs
		}
		all[i] = f
	}
	return all
}
