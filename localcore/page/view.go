package page

import "time"

// A View is what the page shows, filled by whoever serves it. Zero values mean "none"; the page bounds what it shows of
// each list and says how much it left out. Every text may be foreign: the page escapes it.
type View struct {
	// Started is when counting began; zero leaves it out.
	Started time.Time
	// Metrics are in any order.
	Metrics []Metric
	Logs    []LogGroup
	EMF     EMF
	Rules   []Rule
	// RuleNotFound counts messages to the Basic Ingest topic of a rule that is missing or disabled.
	RuleNotFound int64
	// NotSelected counts messages to a rule's Basic Ingest topic whose rest its FROM does not select.
	NotSelected int64
	// Failures, Notifications and EMF.Last are newest first.
	Failures      []Failure
	Notifications []Notification
	Quotas        []Quota
	Counters      []Counter
	Connections   []Connection
	Bill          Bill
	Faults        []Fault
}

// A Metric is one CloudWatch metric: a namespace, a name, dimensions; and a unit, since each unit is kept for itself.
type Metric struct {
	Namespace, Name, Unit string
	Dimensions            []Dimension
	// Arrived is when its newest datapoint came in; zero if unknown.
	Arrived time.Time
	// Points returns the periods of the Ask, oldest first, with none for a period without data. It is called at most
	// once, and only for a metric that is drawn. Nil means no points.
	Points func() []Point
}

// A Dimension is a name and a value.
type Dimension struct{ Name, Value string }

// A Point holds the statistics of one period.
type Point struct {
	Start                                       time.Time
	Average, Minimum, Maximum, Sum, SampleCount float64
}

// A LogGroup is a CloudWatch log group.
type LogGroup struct {
	Name          string
	RetentionDays int // 0 = for ever
	// Kept is how many events are stored, Expired how many were older than the retention and vanished without a word,
	// Rejected how many PutLogEvents refused.
	Kept, Expired, Rejected int64
	Events                  []LogEvent // newest first
}

// A LogEvent is a line of a log group.
type LogEvent struct {
	Time    time.Time
	Message string
}

// EMF counts what became of log events in the embedded metric format.
type EMF struct {
	Documents, ParsingErrors, ValidationErrors int64
	Last                                       []EMFError
}

// An EMFError is a log event that became no metric.
type EMFError struct {
	Time     time.Time
	LogGroup string
	Error    string
	Document string
}

// A Rule is a topic rule with the counters that AWS IoT reports for it.
type Rule struct {
	Name, SQL string
	Enabled   bool

	// Failure is without those of Canary, which are meant to be.
	TopicMatch, ParseError, Success, Failure, Canary, ErrorActionSuccess, ErrorActionFailure int64
}

// A Failure is one action that failed.
type Failure struct {
	Time                                         time.Time
	Rule, Topic, Client, Action, Resource, Error string
	// Payload is the message as text, not in base64.
	Payload string
	// Canary says that it was meant to fail.
	Canary bool
}

// A Notification is a message that an SNS topic got.
type Notification struct {
	Time            time.Time
	Target, Payload string
}

// A Quota is a limit of AWS and the most that was seen of it. It is shown as hit from Seen = Limit on.
type Quota struct {
	Name        string
	Seen, Limit float64
	Unit        string
	// Source says where the limit is written.
	Source string
}

// A Counter counts something that AWS does in silence.
type Counter struct {
	Name        string
	Value       int64
	Explanation string
	// Bad says that any value above zero means something was lost or refused.
	Bad bool
}

// A Connection is a client that is connected now.
type Connection struct {
	Client, Remote string
	Since          time.Time
}

// A Bill says what AWS would charge. The page adds up the lines.
type Bill struct {
	Lines []BillLine
	// Covered is the time in which the quantities came together.
	Covered time.Duration
	// Prices says where the prices are from, and of what day they are.
	Prices string
}

// A BillLine is the price of one thing.
type BillLine struct {
	What     string
	Quantity float64
	Unit     string
	// USD is the price of Quantity; Month that of 30 days at this rate; MonthFree the latter with the free tier used.
	USD, Month, MonthFree float64
}

// A Fault is something that can be made to go wrong. Its forms POST to /faults/NAME, which is not this package's: the
// field "for" holds a duration, 10s to switch it on and 0s to switch it off, and Back says where to send the browser
// then.
type Fault struct {
	Name, Does string
	// Until is when an active fault ends; zero or past means that it is not active.
	Until time.Time
}
