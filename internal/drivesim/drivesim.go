// Package drivesim simulates drives that speak the real command sets down to
// the bytes, and know the truth about themselves: every physical block, spare
// and hidden area, key and lock. Some are honest and some lie.
package drivesim
