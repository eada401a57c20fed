/// The organs of the 启东 example, by the short names of its list.
package enum Qidong: String, CaseIterable, Sendable {
  case 市司法局 = "11320681014260014D"
  case 市行政审批局 = "11320681014260081B"
  case 市教育体育局 = "113206810142601534"
  case 市公安局 = "11320681014260225W"
  case 市民政局 = "11320681014260292T"
  case 市人力资源和社会保障局 = "11320681014260364K"
  case 市交通运输局 = "11320681014260436C"
  case 市卫生健康委 = "113206810142605085"
  case 市医保局 = "113206810142605753"
  case 市发展改革委 = "11320681014260647U"
  case 市市域治理现代化指挥中心 = "11320681014260719L"
  case 市财政局 = "11320681014260786J"
  case 市市场监管局 = "11320681014260858B"
  case 市税务局 = "1132068101426092XY"
  case 市退役军人事务局 = "113206810142609972"
  case 市自然资源和规划局 = "113206810142610686"
  case 市残疾人联合会 = "1132068101426113XR"
  case 市总工会 = "11320681014261201M"

  package var code: String { rawValue }
  /// As in `organs.csv`.
  package var shortName: String { "\(self)" }

  // The parts they play in most tests.
  package static let requester = Qidong.市医保局
  package static let responder = Qidong.市民政局
  package static let stranger = Qidong.市公安局
  package static let supervisor = Qidong.市司法局
  package static let credit = Qidong.市发展改革委
  package static let hotline = Qidong.市市域治理现代化指挥中心
}
