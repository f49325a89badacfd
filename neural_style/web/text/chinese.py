"""The page's texts in Simplified Chinese, with the keys of `english.ENGLISH`."""

CHINESE: dict[str, str] = {
    "title": "神经风格空间",
    "intro": """# 神经风格空间
给出一张照片和一幅画：程序不断优化照片的像素，直到神经网络在其中看到前者的景物和后者的笔触。""",
    "content": "内容图像",
    "content_help": "保留其景物的图像。",
    "style": "风格图像",
    "style_help": "取其画风的图像。",
    "init_image": "起始图像",
    "init_image_help": "可选：从这张图像开始，代替 init。",
    "style_2": "第二种风格",
    "style_2_help": "可选：另一张风格图像，与第一张混合。",
    "mask": "第一种风格的区域",
    "mask_help": "可选：与内容图像形状相同的灰度图，白色处使用第一种风格。",
    "mask_2": "第二种风格的区域",
    "mask_2_help": "可选：第二种风格的同类灰度图。",
    "keep_mask": "保留原样的区域",
    "keep_mask_help": "可选：与内容图像形状相同的灰度图，白色处内容保持不变。",
    "regions": "第二种风格与遮罩",
    "regions_help": "在内容图像上涂抹，再说明涂抹处的用途，它就成为下面的遮罩。"
    "也可以上传遮罩文件：与内容图像形状相同的灰度图，白色使用，黑色不用。"
    "两种风格要么各有一张遮罩，要么都没有；为其中一种涂抹时，其余部分归另一种。",
    "paint": "在此涂抹",
    "paint_keep_mask": "此处保留原样",
    "paint_mask": "此处用第一种风格",
    "paint_mask_2": "此处用第二种风格",
    "painted": "涂抹的部分已放入下面的“{name}”。",
    "painted_unused": "此次绘制没有使用涂抹的部分：请先在“第二种风格与遮罩”中说明其用途。",
    "nothing_painted": "还没有涂抹。请先选择内容图像并在其上涂抹。",
    "part": "风格图像的一部分",
    "part_of": "哪一张",
    "part_shown": "所取的部分",
    "crop_all": "取整幅图像。若只取一部分，请依次点按它的两个对角。",
    "crop_first": "现在点按对角。",
    "crop_chosen": "取明亮的部分：宽 {width} %，高 {height} %。要改取别处，请再点按两个角。",
    "whole": "取整幅图像",
    "no_picture_yet": "“{name}”处还没有图像。",
    "examples": "或从这些例子开始",
    "stylize": "开始绘制",
    "stop": "停止",
    "manner": "画法",
    "manner_help": "**笔触**：{strokes}\n**经典**：{classic}",
    "strokes": "笔触",
    "strokes_help": "画面的每一处都模仿风格图像中与它最相似的地方，连同那里的笔触。",
    "classic": "经典（Gatys 2015）",
    "classic_help": "整幅画面通过格拉姆矩阵模仿风格图像的纹理和色彩。",
    "preset": "用时",
    "preset_help": "时间越长笔触越细；图像越大用时越长。",
    "quick": "快速预览",
    "balanced": "均衡",
    "fine": "大幅精细",
    "strength": "风格强度",
    "strength_help": "每增加一整格，风格权重加倍；每减少一格则减半。"
    "使用“笔触”画法时，−4 是略带风格的照片，0 是以内容为题的画，3 以上几乎全是绘画。",
    "new_seed": "换一个种子",
    "more": "更多设置",
    "restore": "读取某个结果的设置",
    "link": "生成这些设置的链接",
    "link_box": "已复制（如果浏览器允许）",
    "link_help": "打开此链接会恢复这些设置，以及所选的示例图像；您自己的图像不包含在内。",
    "result_link": "生成此结果的链接",
    "result_link_help": "打开此链接会显示这个结果及其设置，约一天内有效，得到链接的人都可以打开；"
    "绘制时您自己的图像不包含在内。",
    "language_help": "提示文字的语言：en 或 zh。",
    "result": "结果",
    "status": "状态",
    "gallery": "绘制过程",
    "chart": "损失（以 10 的幂表示）",
    "chart_x": "迭代",
    "chart_y": "损失的 log₁₀",
    "compare": "前后对比",
    "film": "延时动画",
    "files": "下载",
    "history": "此浏览器中较早的结果",
    "on_the_way": "绘制过程",
    "keep": "下载",
    "earlier": "较早",
    "continue": "继续",
    "continue_by": "追加迭代次数",
    "as_content": "用作内容图像",
    "as_start": "用作起始图像",
    "ready": "请选择两张图像，或点击一个例子，然后按**开始绘制**。",
    "preparing": "正在读取图像并加载网络……",
    "looking": "正在分析风格……",
    "next_size": "正在为第 {scale} 级尺寸（共 {scales} 级）分析风格……",
    "going_on": "正在从停止处继续……",
    "finishing": "正在制作延时动画……",
    "privacy": "您的图像在此服务器上保留约一天，不会展示给其他人；但得到图像链接的人都可以打开它。",
    "estimate": "在这台机器上大约需要 {time}，不含排队时间。",
    "running": "**第 {iteration:,} 次迭代，共 {iterations:,} 次**，"
    "当前尺寸 {width}×{height}（第 {scale} 级，共 {scales} 级）· {terms} · 大约还需 {left}",
    "done": "**完成**：{iterations:,} 次迭代，用时 {time} · {terms}",
    "stopped": "**已停止**。第 {iteration:,} 次迭代，共 {iterations:,} 次，尺寸 {width}×{height} · "
    "{terms}",
    "stopped_early": "**已停止**，尚未得到图像。",
    "failed": "**{title}。** {message}",
    "caption": "{iteration:,} · 损失 {loss:.3g}",
    "note_title": "请注意",
    "error_title": "未能完成",
    "no_content": "请选择内容图像：要重绘的图像。",
    "no_style": "请选择风格图像：取其画风的画作。",
    "no_recipe": "请选择由本页面生成的 PNG 文件。",
    "start_image_wanted": "这张图像是从一张起始图像开始绘制的；请在“更多设置”中给出它。",
    "no_result": "还没有结果。请先按“开始绘制”。",
    "nothing_to_continue": "没有可以继续的绘制。请先按“开始绘制”。",
    "shared_ends_here": "分享的结果只有绘制者本人才能继续：继续所需的状态不会分享。"
    "请改用它作为起始图像。",
    "state_gone": "那次绘制已无法继续：只保留最近的几次。请改用其结果作为起始图像。",
    "kept_damaged": "服务器为那次绘制所保留的内容已损坏。请再按“开始绘制”。",
    "kept_unknown": "服务器为那次绘制所保留的内容，其格式是本程序的这个版本不认识的。"
    "请再按“开始绘制”。",
    "no_end": "绘制在 {seconds} 秒内没有结束。请再按“开始绘制”。",
    "not_uploaded": "{name} 必须是上传的图像文件；不读取服务器自身的文件。",
    "api_parameters": "{error} 此接口的参数为 {names}；content 和 style 必须给出。",
    "too_large": "图像文件最大为 {limit} MB。请先将其缩小。",
    "over_page_limit": "在本页面上 {name} 最大为 {limit}；命令行可以更大。",
    "too_long": "这次绘制大约要占用 GPU {seconds} 秒；每次最多 {limit} 秒。"
    "请减少迭代次数或缩小尺寸。",
    "gpu_quota": "您今天的 GPU 时间已用完。登录 Hugging Face 可获得更多，也可以明天再来，"
    "或在自己的机器上运行本程序。",
    "gpu_too_long": "这次绘制要占用的 GPU 时间超过了可借用的时间。请减少迭代次数或缩小尺寸。",
    "gpu_busy": "一分钟内没有空闲的 GPU。请稍后再按“开始绘制”。",
    "gpu_aborted": "GPU 在绘制结束前被收回。请减少迭代次数或缩小尺寸，再按“开始绘制”。",
    "link_ignored": "链接中的 {name} 值无效，已忽略：{reason}",
    "result_shared": "**别人分享的结果**，连同其设置。它从绘制完成起保留约一天。",
    "result_gone": "此链接的结果已不在这里：结果只保留约一天。",
    "link_unknown": "链接中的 {name} 是本页面不认识的，已忽略。",
}

CHINESE_KNOBS: dict[str, tuple[str, str]] = {
    "iterations": ("迭代次数", "优化器在所有尺寸上的总步数。"),
    "size": ("尺寸", "结果最长边的像素数。"),
    "seed": ("种子", "决定噪声；换一个种子得到另一种变化。"),
    "style_weight": (
        "风格权重",
        "相对于内容，风格施加的强度：统计量为 nearest 时，1 是略带风格的照片，"
        "20 是以内容为题的画，200 全是绘画。",
    ),
    "content_weight": ("内容权重", "内容保持的强度。"),
    "tv_weight": ("平滑权重", "平滑程度：总变差的权重，可去除细小颗粒。"),
    "tv_form": (
        "平滑形式",
        "粗糙度的度量：mean 为步差平方的均值；levels 同前但以灰阶计；sum 为 jcjohnson 的和；"
        "nine_points 为 crowson 的九点形式。",
    ),
    "init": (
        "起点",
        "从何处开始：matched 为与内容相配的风格碎片（仅用于统计量 nearest），"
        "recolored 为换成风格颜色的内容，content 为内容原样，noise 为噪声，mean 为平均灰；"
        "auto 取其中引擎和统计量可用的第一个。",
    ),
    "noise_ratio": (
        "噪声比例",
        "种子自由发挥的程度：统计量为 nearest 时，是对风格某些部分的偏好；"
        "否则是起点中混入的噪声比例，或平均灰起点的噪声幅度。",
    ),
    "engine": (
        "引擎",
        "fast：带预条件和保护、由小到大的循环；plain：教科书式的逐像素循环，没有这些。",
    ),
    "optimizer": ("优化器", "lbfgs 收敛快得多；adam 可以用像素单位的学习率。"),
    "learning_rate": (
        "学习率",
        "步长；0 取惯用值：lbfgs 为 1，adam 为 0.02，而以 255 灰阶计的 plain 引擎中为 10。",
    ),
    "pooling": ("池化", "网络缩小特征图的方式：最大值、平均值或均方根。"),
    "border": ("边界", "网络在图像之外看到什么：replicate 为延续边缘，zeros 为空。"),
    "scales": (
        "尺寸级数",
        "由小到大经过的尺寸数，先画大形；0 取惯用值：fast 引擎为 3，统计量为 nearest 时"
        "从 64 像素开始；plain 引擎为 1。",
    ),
    "scale_factor": ("尺寸倍率", "每级尺寸是前一级的多少倍。"),
    "scale_shares": (
        "迭代分配",
        "迭代次数在各级尺寸间的分配，最后一个为全尺寸：5,2；auto 给较大尺寸更多"
        "（统计量为 nearest 时除外）。",
    ),
    "style_fit": (
        "风格尺寸",
        "风格图像以多大尺寸观看：longest 与画布最长边一致且不放大，area 与画布像素数相同。",
    ),
    "statistic": (
        "统计量",
        "模仿风格的什么：nearest 为最相似的地方；gram 为通道间的共同活动（Gatys）；"
        "centered 同前但减去亮度；mean_deviation 更宽松；wasserstein 更平滑。",
    ),
    "style_shares": ("各风格比重", "有多种风格时各占多少：0.7,0.3。"),
    "style_scale": ("笔触大小", "风格笔触的大小，2 为两倍；两种风格写作 1,0.5。"),
    "style_crop": (
        "风格裁剪",
        "取风格图像的一部分：以比例表示的 左,上,宽,高，0,0,0.5,1 为左半；多种风格用分号隔开。",
    ),
    "loss_units": (
        "损失单位",
        "relative：每层的损失以其目标为单位，权重对所有图像和网络含义相同；absolute：原样的均值；"
        "paper：论文中的求和。",
    ),
    "content_layers": (
        "内容层",
        "保持内容的层及其比重：relu4_2 或 relu4_2:0.7,relu5_2:0.3；auto 取骨干网络惯用的层。",
    ),
    "style_layers": (
        "风格层",
        "保持风格的层及其比重：relu1_1:0.5,relu2_1:0.5；auto 取骨干网络惯用的层。",
    ),
    "average": ("滑动平均", "显示图像的滑动平均，比单张更平静；新图像占 1 − average。"),
    "layer_exponent": ("层间倍率", "每个风格层的权重是前一层的多少倍；大于 1 时形状更大。"),
    "backbone": ("骨干网络", "观看图像的网络。"),
    "color": (
        "颜色",
        "结果用谁的颜色。除截断外保留内容的颜色：content、luminance；通过给风格图像换色近似保留："
        "matched（改变最小）、cholesky、histogram。",
    ),
    "color_strength": ("颜色强度", "颜色从风格的颜色走向所选颜色的程度。"),
}
"""Label and help text of each setting of the page."""

CHINESE_DURATION_UNITS = {"h": "小时", "min": "分", "s": "秒"}
