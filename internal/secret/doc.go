// Package secret keeps secrets from being seen: at rest, on the way to a node, in Temporal's history and in logs.
//
//   - Value is a string that prints "[redacted]" wherever it is formatted, logged or marshalled.
//   - Keyring holds the server's master keys. It seals what the database stores and the session token, and derives the
//     tokens nodes and routers present.
//   - NodeKeys are a node's HPKE key pairs. SealTo encrypts to one of them, bound to the node, the operation and an
//     expiry; only that node opens the box, and only for that operation. They rotate daily and old private keys are
//     deleted, so a box that stays in a history cannot be opened later.
//   - CodecKeys encrypt every Temporal payload and failure: package payload. A SealedBox inside a payload stays sealed
//     there.
//   - Prove and Keyring.CheckProof let the server tell what a node says from what somebody else in Temporal says.
//   - Package redact removes what slips into messages and error texts all the same.
//
// Keys are kept in small text files that only their owner may read. Every ciphertext names the key that made it, so a
// rotation never makes anything unreadable.
package secret
