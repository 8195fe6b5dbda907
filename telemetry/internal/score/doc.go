// Package score tells how far a series of requests is from its own past. Requests are only counted; once a second a bucket closes and is
// compared with the baseline: latency by the bucket's mean logarithm against a slow level (two of the last three beyond 4.5 scales, or
// a CUSUM), errors by a CUSUM of the binomial log-likelihood ratio. Updates of the baseline are clipped, so that an incident does not
// become the norm while it lasts. Memory is constant and no clock is read.
package score
