// Package own takes readings from the files of a folder, into which scripts put what the agent does not read itself.
// Its one promise: one bad file never costs the others, nor the agent.
//
// A file NAME.json holds a sample or an array of them, in the form that scripts send (package sample, which judges it
// as the gateway would). The device's name is added in the cloud, and cut off here where a script has done so. What is
// not taken is told in NAME.json.refused, in the words and the form of the gateway's answer, until the file is mended
// or gone. Of a file that cannot be read whole yet the last content holds; it is refused when it has been so for two
// seconds.
//
// # How long a reading holds
//
// A reading holds for its ttl and is given at each look until then, as of that moment. One that has a time of its own
// is given once. What was written between two looks is given at least once, however short its ttl.
//
// The age of a file is that of its modification, which is a date by a clock that may have been set since. It is never
// negative, and never more than can be: since the look at which the file was not there, by a clock that nobody sets; at
// the first look since the machine's start, where the folder is in memory and cannot be older.
//
// # Whose a metric is
//
// A name that the agent reads itself is the agent's. Of two files with one name, the one that was there first keeps it
// while it holds; of those found at the first look that is the first by its name.
//
// # What others may put there
//
// Whoever may write to the folder is not trusted further than with readings. Only plain files are opened, without
// following links, without waiting, and only those with one name; a bounded number of bytes, files and readings is
// taken, and files that were known before come first. Files are written under a name that nobody could know and get
// theirs by a rename, which follows no link either.
package own
