// Package spool keeps readings until they are acknowledged: bounded, in order, and forgotten only when told.
//
// While the gateway answers, all is in memory and nothing is written. When it has not answered for a while, or at the
// end, what waits goes to files, and then so does each new reading, until the backlog is acknowledged. What an earlier
// process left there goes first. A bound that is hit costs the oldest, and that is counted.
//
// A reading is in its file when Add returns, so a killed process loses at most what it read while Config.After went
// by; a power cut also costs the readings of the last five seconds. A report that was handed out in these may come
// back with fewer samples.
//
// Nothing is let go of in memory before an fsync of its file and of the folder succeeded. After any error of a write,
// an fsync or a close the file counts for nothing: what is not acknowledged of it is in memory, up to
// Config.MaxReports, and goes to a new file in its place when the folder works again. The newest file of an earlier
// process is written anew at the start, since that process may have left it in the kernel's memory only. A file that
// cannot be read is tried again every five minutes, and so is a folder; the others go on meanwhile, and what comes
// late comes behind them. A report is recognised by run and number, so the order across files may bend. A folder or a
// file that is removed or replaced under the running spool costs what was in it alone, which is told.
//
// The spool makes reports of readings: until a report is handed out, more readings become a part of it. So a backlog
// needs few messages, and a report that was handed out once has the same run, number and samples for ever, also after
// a restart.
//
// # How it works
//
// While the gateway answers, readings wait in memory and nothing is written: SD cards wear out. When nothing that
// waits has been acknowledged for `spool.after`, or at the end of the process, all of it goes to `spool.dir`, and so
// does each reading until the backlog is delivered.
//
// A reading is no report yet. The spool gives a number to the report under construction, and more readings become a
// part of it until it is handed out, has 500 samples or 48 KB (see Limits in shared/sample), or the boot or the
// clock changes (then wall time and uptime would not date each other any more). Online each reading is a report; a
// backlog is packed, without gaps in the numbers and without a step that packs. A report that was handed out never
// changes, so a redelivery can be recognised, also after a restart: each line of a file carries the run and number of
// its report, and a CRC-32C.
//
// Files are segments of 1 MiB. Dropping the oldest and forgetting what is acknowledged is removing a file, so no
// position is written during a drain; after a crash in the middle of one at most a segment is sent again, after a power
// cut also those that were removed in the last seconds, which is not synced. Segments are read when it is their turn,
// so memory does not grow with the backlog. A torn last line is cut off; a damaged one costs its reading. A folder that
// cannot be used is told once, and tried again every five minutes.
//
// After an error of a write, an fsync or a close nothing of the file is believed, whatever reading it shows: the
// kernel takes pages for written that it failed to write. All that is not acknowledged of it is still in memory, since
// a segment leaves memory only when its file and the folder are synced, and is written to a new file that takes the
// place of the bad one by a rename (`files.Replace`), so that no report is in two files with different samples. After
// the first file that cannot be written none is begun: so at most one file is not to be believed, the newest, and the
// next process writes that one anew at its start. A file that cannot be read is left out and tried again every five
// minutes; then it goes behind the others, under new positions and its old numbers. Folder and files are looked at by
// device and inode: what was removed or replaced under the agent is written again as far as it is in memory, and told.
// A file of which nothing is needed and that cannot be removed is tried again every five minutes, and at the end: the
// next process would send what is in it once more. In a folder that is not held nothing is removed.
// `MaxReports` bounds what is in memory only, however long the disk fails. What is written is synced at most five
// seconds later, by a timer if no reading comes.
package spool
