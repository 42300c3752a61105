package runware

import "github.com/scrip-go/scrip/providers"

// row is what an error code means.
type row struct {
	kind providers.Kind
	fate providers.Fate
}

// codes are the vendor's error codes, in the order of the vendor's own categories. Where a row differs from what its
// category says, the comment says why.
var codes = map[string]row{
	// validation
	"invalidPositivePrompt":            {providers.Invalid, providers.Rejected},
	"invalidPositivePromptLength":      {providers.Invalid, providers.Rejected},
	"missingPositivePrompt":            {providers.Invalid, providers.Rejected},
	"unsupportedParameter":             {providers.Invalid, providers.Rejected},
	"unsupportedTaskType":              {providers.Invalid, providers.Rejected},
	"valueTooLarge":                    {providers.Invalid, providers.Rejected},
	"arrayTooSmall":                    {providers.Invalid, providers.Rejected},
	"unknownParameter":                 {providers.Invalid, providers.Rejected},
	"incompatibleParameters":           {providers.Invalid, providers.Rejected},
	"mismatchProviderSettingsProvider": {providers.Invalid, providers.Rejected},
	"validationFailed":                 {providers.Invalid, providers.Rejected},
	"invalidWidth":                     {providers.Invalid, providers.Rejected},
	// The id was used before: an earlier submission of this very attempt ran or is running. Asking tells which.
	"conflictTaskUUID": {providers.Upstream, providers.Unknown},

	// auth
	"missingApiKey":        {providers.Auth, providers.Rejected},
	"invalidApiKey":        {providers.Auth, providers.Rejected},
	"authenticationFailed": {providers.Auth, providers.Rejected},
	"authFailed":           {providers.Auth, providers.Rejected},
	"authTimeout":          {providers.Auth, providers.Rejected},
	"unauthorized":         {providers.Auth, providers.Rejected},
	"tokenExpired":         {providers.Auth, providers.Rejected},
	// The key is known, and what it belongs to may not do this.
	"forbidden":               {providers.Permission, providers.Rejected},
	"permissionDenied":        {providers.Permission, providers.Rejected},
	"insufficientPermissions": {providers.Permission, providers.Rejected},
	"accountSuspended":        {providers.Permission, providers.Rejected},
	"organizationDisabled":    {providers.Permission, providers.Rejected},
	"workspaceSuspended":      {providers.Permission, providers.Rejected},

	// quota
	"insufficientCredits": {providers.Quota, providers.Rejected},
	"quotaExceeded":       {providers.Quota, providers.Rejected},
	"paymentRequired":     {providers.Quota, providers.Rejected},
	// Runware's own account at a third party is empty, not ours at Runware: another model may still work.
	"providerInsufficientCredits":   {providers.Upstream, providers.Rejected},
	"thirdPartyInsufficientCredits": {providers.Upstream, providers.Rejected},

	// rateLimit
	"rateLimitExceeded":                 {providers.RateLimited, providers.Rejected},
	"inferenceRateLimitExceeded":        {providers.RateLimited, providers.Rejected},
	"providerRateLimitExceeded":         {providers.RateLimited, providers.Rejected},
	"inferenceRateLimitRequestTooLarge": {providers.RateLimited, providers.Rejected},

	// safety: a prompt that is refused was not run, a picture that is refused was made first.
	"contentPolicyViolation":         {providers.Blocked, providers.Rejected},
	"providerContentPolicyViolation": {providers.Blocked, providers.Rejected},
	"promptBlocked":                  {providers.Blocked, providers.Rejected},
	"moderationFailed":               {providers.Blocked, providers.Rejected},
	"sensitiveContentDetected":       {providers.Blocked, providers.Executed},
	"nsfwContentDetected":            {providers.Blocked, providers.Executed},
	"unsafeContentDetected":          {providers.Blocked, providers.Executed},
	"imageBlocked":                   {providers.Blocked, providers.Executed},

	// provider: it failed at work, unless the code says that nobody took the task.
	"providerError":                {providers.Upstream, providers.Unknown},
	"providerBadGateway":           {providers.Upstream, providers.Unknown},
	"providerInternalError":        {providers.Upstream, providers.Unknown},
	"providerUnknownError":         {providers.Upstream, providers.Unknown},
	"inferenceError":               {providers.Upstream, providers.Unknown},
	"processingFailed":             {providers.Upstream, providers.Unknown},
	"taskFailed":                   {providers.Upstream, providers.Unknown},
	"downloadFailed":               {providers.Upstream, providers.Unknown},
	"uploadFailed":                 {providers.Upstream, providers.Unknown},
	"providerAuthenticationFailed": {providers.Upstream, providers.Rejected}, // Runware's key at a third party, not ours
	"providerUnavailable":          {providers.Overloaded, providers.Rejected},
	"noAvailableServer":            {providers.Overloaded, providers.Rejected},
	"modelUnavailable":             {providers.Overloaded, providers.Rejected},
	"modelNotReady":                {providers.Overloaded, providers.Rejected},
	"modelDisabled":                {providers.NotFound, providers.Rejected},

	// timeout: a task may go on in the background after a time-out, and is charged then.
	"timeout":                {providers.Timeout, providers.Unknown},
	"providerTimeout":        {providers.Timeout, providers.Unknown},
	"timeoutProvider":        {providers.Timeout, providers.Unknown}, // the vendor's documentation writes it so, its client the other way round
	"providerGatewayTimeout": {providers.Timeout, providers.Unknown},
	"webhookTimeout":         {providers.Timeout, providers.Unknown},

	// notFound
	"modelNotFound":        {providers.NotFound, providers.Rejected},
	"mediaNotFound":        {providers.NotFound, providers.Rejected},
	"taskNotFound":         {providers.NotFound, providers.NotSent},
	"taskExpired":          {providers.NotFound, providers.Executed}, // it was made and is not kept any more
	"taskCancelled":        {providers.Upstream, providers.Unknown},
	"taskFailedOrNotFound": {providers.Upstream, providers.Unknown},

	// serverError
	"serviceUnavailable":   {providers.Overloaded, providers.Rejected},
	"internalServerError":  {providers.Upstream, providers.Unknown},
	"standardError":        {providers.Upstream, providers.Unknown},
	"unknownError":         {providers.Upstream, providers.Unknown},
	"unrecognizedResponse": {providers.Upstream, providers.Unknown},
}

// status returns what an HTTP status means when the code is unknown.
func status(status int) row {
	switch status {
	case 401:
		return row{providers.Auth, providers.Rejected}
	case 402:
		return row{providers.Quota, providers.Rejected}
	case 403:
		return row{providers.Permission, providers.Rejected}
	case 404:
		return row{providers.NotFound, providers.Rejected}
	case 408, 504: // it waited too long, in the queue or at work
		return row{providers.Timeout, providers.Unknown}
	case 429:
		return row{providers.RateLimited, providers.Rejected}
	case 503:
		return row{providers.Overloaded, providers.Rejected}
	}
	if status/100 == 4 {
		return row{providers.Invalid, providers.Rejected}
	}
	return row{providers.Upstream, providers.Unknown}
}
