package openaiwire

import "github.com/scrip-go/scrip/providers"

// Row is what an error code means.
type Row struct {
	Kind providers.Kind
	Fate providers.Fate
}

// Codes are the error codes and error types that decide what an error is, whatever its HTTP status: a 429 may be a rate
// limit, which passes, or an empty account, which does not. The code is looked up first, then the type, then the status.
// Whether the request ran is decided by the more careful of the two: behind a 500 it may have, also if the code says Rejected.
var Codes = map[string]Row{
	// The account is out of money or over a limit somebody set. Waiting does not help.
	"insufficient_quota":                {providers.Quota, providers.Rejected},
	"credit_balance_exhausted":          {providers.Quota, providers.Rejected},
	"organization_spend_limit_exceeded": {providers.Quota, providers.Rejected},
	"project_spend_limit_exceeded":      {providers.Quota, providers.Rejected},
	"organization_usage_limit_exceeded": {providers.Quota, providers.Rejected},
	"billing_hard_limit_reached":        {providers.Quota, providers.Rejected}, // a 400 of the images route
	"billing_not_active":                {providers.Quota, providers.Rejected},

	"rate_limit_exceeded":       {providers.RateLimited, providers.Rejected},
	"rate_limit_error":          {providers.RateLimited, providers.Rejected},
	"slow_down":                 {providers.RateLimited, providers.Rejected},
	"server_is_overloaded":      {providers.Overloaded, providers.Rejected},
	"service_unavailable_error": {providers.Overloaded, providers.Rejected},

	"invalid_api_key":                      {providers.Auth, providers.Rejected},
	"unsupported_country_region_territory": {providers.Permission, providers.Rejected},
	"data_residency_mismatch":              {providers.Permission, providers.Rejected},
	"model_not_found":                      {providers.NotFound, providers.Rejected},
	"context_length_exceeded":              {providers.ContextTooLong, providers.Rejected},

	"content_policy_violation":       {providers.Blocked, providers.Rejected},
	"moderation_blocked":             {providers.Blocked, providers.Rejected},
	"content_filter":                 {providers.Blocked, providers.Rejected},
	"ResponsibleAIPolicyViolation":   {providers.Blocked, providers.Rejected},
	"image_content_policy_violation": {providers.Blocked, providers.Rejected},
	"invalid_prompt":                 {providers.Blocked, providers.Rejected},
	"bio_policy":                     {providers.Blocked, providers.Rejected},

	"server_error": {providers.Upstream, providers.Unknown},
}

// Status returns what an HTTP status means when neither code nor type is known.
func Status(status int) Row {
	switch status {
	case 401:
		return Row{providers.Auth, providers.Rejected}
	case 402:
		return Row{providers.Quota, providers.Rejected}
	case 403:
		return Row{providers.Permission, providers.Rejected}
	case 404:
		return Row{providers.NotFound, providers.Rejected}
	case 408: // a gateway may say so while the model is at work
		return Row{providers.Timeout, providers.Unknown}
	case 413:
		return Row{providers.ContextTooLong, providers.Rejected}
	case 429:
		return Row{providers.RateLimited, providers.Rejected}
	case 503, 529:
		return Row{providers.Overloaded, providers.Rejected}
	}
	if status/100 == 4 {
		return Row{providers.Invalid, providers.Rejected}
	}
	return Row{providers.Upstream, providers.Unknown} // 500, 502, 504 and the rest: it may have run
}
