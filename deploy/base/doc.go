// Package base makes base images out of what is installed on the host, for machines that cannot pull any. An image is
// one layer: an executable, the libraries its dynamic loader would open, the files named beside it, and a user that is
// not root. There is no shell and no package manager in it. The same host gives the same bytes.
package base
