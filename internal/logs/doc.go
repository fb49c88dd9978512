// Package logs carries what builds and containers print from a node to the server, masked, in order, without loss and
// without doubling.
//
// A log is a stream: an append-only sequence of bytes with a name of its own (sdp.DeploymentStream,
// sdp.ContainerStream). An activity writes to a Stream, which masks secrets (package mask) and appends to a plain file in
// the node's Spool. The Shipper sends what is new to the server by byte offset, and the server answers with the offset up
// to which it has the stream. So each side can stop at any moment, by kill -9 too, and go on from what is in its files:
//
//	Stream.Write -> <stream>.log ---- POST ...?offset=N ----> server
//	                <stream>.state <--- {"offset": committed} ---
//
// Where the two disagree, the server's offset counts: the file is only a copy that waits for delivery.
//
// The spool is bounded. What exceeds a stream's limit is left out, except the last 256 KiB, which are appended when the
// stream ends; until then they wait in <stream>.tail.<n>. Delivered streams are deleted after a while; of them the
// .state file remains, so that a stream that is written to again later goes on at the right offset.
//
// File contents are not synced to disk line by line. After a power failure the last seconds of a log may be missing;
// after the death of any process nothing is.
package logs
