package publish

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"piway/shared/mqttlink"
	"piway/shared/sample"
)

// size finds out which reports are too large for the gateway, and has the source take them apart. A gateway says what
// it takes when it is asked (PREFIX/DEVICE/config); one of an earlier version does not, and answers a report with too
// many samples by a refusal and a PUBACK, and one with too many bytes by the end of the connection, as often as it is
// sent.
//
// So the oldest report that was under way when a connection was lost is sent alone on the next. If it ends that one as
// well, an empty report, which takes the same way, goes before it: if that passes each time and the report never does,
// its size is to blame.
type size struct {
	src    Source
	wanted func(names []string)
	log    *slog.Logger

	limits atomic.Pointer[sample.Limits] // that the gateway told

	silent   bool // the gateway does not tell what it takes
	proven   int  // samples of the largest report that it has taken
	alone    bool // the next connection begins with one report alone
	suspect  name
	strikes  int
	tooLarge int // bytes of the smallest report that was found too large, 0 if none was

	warnedBounds, warnedParts sync.Once

	givenUp int
}

const (
	// enoughStrikes is how often a report must end a connection before it is taken apart; after the first such report
	// one suffices, as far as the size is alike.
	enoughStrikes = 3
	// neverTooLarge are bytes that every gateway takes: broker.max_packet was never less than 1 KiB.
	neverTooLarge = 768
)

// bounds keeps to what the gateway says that it takes.
func (z *size) bounds(text []byte) {
	b, err := sample.DecodeBounds(text)
	limits, floored := b.Limits()
	if err != nil || floored {
		z.warnedBounds.Do(func() {
			z.log.Warn("the gateway's bounds cannot be kept", "err", err, "max_samples", b.MaxSamples, "max_packet", b.MaxPacket,
				"samples", limits.Samples, "bytes", limits.Bytes)
		})
	}
	z.limits.Store(&limits)
	z.src.Limit(limits)
	if z.wanted != nil {
		z.wanted(b.Wanted)
	}
}

// told returns what the gateway of this connection said that it takes, and false if it said nothing.
func (z *size) told() (l sample.Limits, said bool) {
	if told := z.limits.Load(); told != nil && !z.silent {
		return *told, true
	}
	return l, false
}

// refused takes a report apart that the gateway refused whole by the number of its samples. One of a single sample is
// given up.
func (z *size) refused(f flight) {
	z.warn("intake.max_samples", f)
	if z.src.Split(f.pos, sample.Limits{Samples: (f.samples + 1) / 2, Bytes: sample.ReportBytes}) {
		return
	}
	z.src.Ack(f.pos)
	if z.givenUp++; z.givenUp == 1 {
		z.log.Error("gateway refuses even a report of one sample for its size; such reports are given up", "seq", f.seq,
			"try", "raise intake.max_samples on the gateway")
	}
}

// split takes a report apart that is too large for the gateway's connection. It returns false for one that cannot be.
func (z *size) split(f flight) bool {
	if !z.src.Split(f.pos, sample.Limits{Samples: sample.ReportSamples, Bytes: max(f.bytes/2, 1)}) {
		return false
	}
	z.warn("broker.max_packet", f)
	if z.tooLarge == 0 || f.bytes < z.tooLarge {
		z.tooLarge = f.bytes
	}
	return true
}

// warn says once that reports are taken apart.
func (z *size) warn(key string, f flight) {
	z.warnedParts.Do(func() {
		z.log.Warn("gateway refuses reports of this size; they go in parts", "seq", f.seq,
			"samples", f.samples, "bytes", f.bytes, "try", "raise "+key+" on the gateway, and upgrade it")
	})
}

// tooLargeFor reports whether a report so large would end the connection, as a smaller one did.
func (z *size) tooLargeFor(bytes int) bool { return z.tooLarge > 0 && bytes >= z.tooLarge }

// passed takes note of a report that was acknowledged.
func (z *size) passed(f flight) {
	if f.alone {
		z.alone, z.strikes = false, 0
	}
}

// lost takes note that the connection ended while f was the oldest report under way. It returns whether the report was
// taken apart.
func (z *size) lost(f flight) bool {
	z.alone = true
	switch {
	case !f.alone || f.bytes <= neverTooLarge:
		z.strikes = 0
		return false
	case f.name != z.suspect:
		z.suspect, z.strikes = f.name, 0
	}
	z.strikes++
	if z.strikes < enoughStrikes && (z.tooLarge == 0 || f.bytes < z.tooLarge/3) {
		return false
	}
	z.strikes = 0
	return z.split(f)
}

// probe brings an empty report, which says nothing, all the way if a report is under suspicion: should that end the
// connection now, it is for a reason of its own.
func (z *size) probe(ctx context.Context, link *mqttlink.Link, opt Options) error {
	if z.strikes == 0 {
		return nil
	}
	return z.goRound(ctx, link, opt)
}

// confirm waits until a refusal of f, which is acknowledged, must have come. Only gateways that do not tell what they
// take may send one behind the PUBACK, and only a report larger than any before needs the question: an empty one is
// sent behind it.
func (z *size) confirm(ctx context.Context, link *mqttlink.Link, opt Options, f flight) error {
	if !z.silent || f.samples <= max(z.proven, 1) {
		return nil
	}
	return z.goRound(ctx, link, opt)
}

// goRound sends an empty report, and waits for its PUBACK.
func (z *size) goRound(ctx context.Context, link *mqttlink.Link, opt Options) error {
	payload, err := encode(ctx, opt, sample.Report{Device: opt.Device, Samples: []sample.Sample{}})
	if err != nil {
		return err
	}
	return acknowledged(ctx, link.Publish(opt.topic("samples"), payload), opt.AckTimeout)
}
