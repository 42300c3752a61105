// Package paid is for stages whose items make one paid call each: a host's stage embeds a [Step] and has what such stages have
// in common, the call through the engine's gate and its salvage. What is left to write is what an item is, in Plan, and
// what becomes of its answer, in Save:
//
//	type translate struct {
//		paid.Step[Text, Translation]
//	}
//
//	func (translate) Name() string { return "translate" }
//	func (translate) Plan(ctx context.Context, in automation.Inputs) iter.Seq2[automation.Item, error] { … }
//	func (translate) Save(ctx context.Context, tx automation.Tx, c automation.Call, out json.RawMessage) (int, error) { … }
//
// A stage that calls the engine by itself, because its items make several calls, hands their errors to [Classify].
package paid
