// Package formats has in testdata what each release leaves on disk, and promises that this version reads it: store,
// device list, authority, configurations, spool and backup.
//
// The programs of a release have made it: before a version is released, `proof/formats/make VERSION` runs them for some
// seconds and keeps what they leave. A folder that is there is never made anew. The keys in it are of nobody.
//
// Formats that were never released are tried where they are read: gateway/queue/store has the schema of each,
// gateway/devices TestOpen_earlier device lists. proof/scenarios earlier.txtar has real old programs work with new ones.
package formats
