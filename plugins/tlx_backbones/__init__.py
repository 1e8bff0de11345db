"""The built-in backbones, one family a file."""

from tlx import hookimpl


@hookimpl
def tlx_backbones(register):
    register("mlp", "tlx_backbones.mlp:MLP")
    register("cnn", "tlx_backbones.cnn:CNN")
    register("dtn", "tlx_backbones.dtn:DTN")
    register("lenet", "tlx_backbones.lenet:LeNet")
    register("lenet_bn", "tlx_backbones.lenet:LeNetBN")
    register("dann_mnist", "tlx_backbones.dann:DANNMnist")
    register("dann_svhn", "tlx_backbones.dann:DANNSvhn")
    register("mcd_digits", "tlx_backbones.mcd:MCDDigits")
    register("mcd_usps", "tlx_backbones.mcd:MCDUsps")
    register("shot_lenet", "tlx_backbones.shot:SHOTLeNet")
    register("shot_dtn", "tlx_backbones.shot:SHOTDTN")
    register("kl_net", "tlx_backbones.kl_net:KLNet")
    register("kl_net_probabilistic", "tlx_backbones.kl_net:KLNetProbabilistic")
    register("wrn_28_2", "tlx_backbones.wrn:WRN28x2")
    register("dirt_t_small", "tlx_backbones.dirt_t:DIRTTSmall")
    register("dirt_t_small_in", "tlx_backbones.dirt_t:DIRTTSmallIN")
    register("dirt_t_large", "tlx_backbones.dirt_t:DIRTTLarge")
    register("dirt_t_large_in", "tlx_backbones.dirt_t:DIRTTLargeIN")
<<<<<<< HEAD
    for depth in (18, 34, 50, 101):
        register(f"resnet{depth}", f"tlx_backbones.resnet:ResNet{depth}")
        register(f"resnet{depth}_cifar", f"tlx_backbones.resnet:ResNet{depth}Cifar")
    register("efficientnet_b0", "tlx_backbones.efficientnet:EfficientNetB0")
    register("efficientnet_b0_torch", "tlx_backbones.efficientnet:EfficientNetB0Torch")
    register("efficientnet_lite0", "tlx_backbones.efficientnet:EfficientNetLite0")
=======
>>>>>>> w-nets
    register("wrn_28_10", "tlx_backbones.wide_resnet:WRN28x10")
    register("wrn_40_2", "tlx_backbones.wide_resnet:WRN40x2")
    register("vgg11", "tlx_backbones.vgg:VGG11")
    register("vgg11_bn", "tlx_backbones.vgg:VGG11BN")
    register("vgg16", "tlx_backbones.vgg:VGG16")
    register("vgg16_bn", "tlx_backbones.vgg:VGG16BN")
    register("vgg19", "tlx_backbones.vgg:VGG19")
    register("vgg19_bn", "tlx_backbones.vgg:VGG19BN")
    register("vgg16_flat", "tlx_backbones.vgg:VGG16Flat")
    register("vgg16_dense1024", "tlx_backbones.vgg:VGG16Dense1024")
    register("vgg16_bn_cifar", "tlx_backbones.vgg:VGG16BNCifar")
    register("mobilenet_v2", "tlx_backbones.mobilenet:MobileNetV2")
    register("mobilenet_v2_cifar", "tlx_backbones.mobilenet:MobileNetV2Cifar")
    register("convnext_tiny", "tlx_backbones.convnext:ConvNeXtTiny")
    register("vit_tiny_patch16", "tlx_backbones.vit:ViTTiny")
    register("vit_small_patch16", "tlx_backbones.vit:ViTSmall")
    register("vit_base_patch16", "tlx_backbones.vit:ViTBase")
    register("vit_tiny_patch4", "tlx_backbones.vit:ViTTinyPatch4")
    register("vit_small_patch4", "tlx_backbones.vit:ViTSmallPatch4")
<<<<<<< HEAD
=======
    for depth in (18, 34, 50, 101):
        register(f"resnet{depth}", f"tlx_backbones.resnet:ResNet{depth}")
        register(f"resnet{depth}_cifar", f"tlx_backbones.resnet:ResNet{depth}Cifar")
    register("efficientnet_b0", "tlx_backbones.efficientnet:EfficientNetB0")
    register("efficientnet_b0_torch", "tlx_backbones.efficientnet:EfficientNetB0Torch")
    register("efficientnet_lite0", "tlx_backbones.efficientnet:EfficientNetLite0")
>>>>>>> w-nets
